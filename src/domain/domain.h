// What an app's items, actions and relations are: the project's domain.toml, read and checked. The
// platform knows kinds; every name in here is the app's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/file_system.h"

namespace feedmill::domain {

// The property that stands for the user of an event.
inline constexpr std::string_view kUserId = "userId";
// Handles of actions are packed into six bits.
inline constexpr size_t kActionsMax = 64;
inline constexpr size_t kItemKindsMax = 2;  // one beside the users
inline constexpr size_t kRelationsMax = 4;
inline constexpr size_t kLabelsMax = 16;
inline constexpr size_t kNumbersMax = 4;  // of an item, each four bytes of memory
inline constexpr size_t kFieldsMax = 8;   // of an item, of a user, of a request; four bytes each as well
// What the console can draw on a button.
inline constexpr std::string_view kIcons[] = {"eye",    "heart",       "bookmark", "bubble", "arrow", "cart",
                                              "person", "crossed_eye", "flag",     "play",   "star"};

enum class FieldType { kText, kTexts, kNumber, kBoolean, kTime };
std::string_view FieldTypeName(FieldType type);  // as domain.toml says it: "text", "texts", "number", "boolean", "time"

// What is known of an item, a user or a request, for the rules of scenes.
struct Field {
  std::string name;  // of the property
  FieldType type = FieldType::kText;
  friend bool operator==(const Field&, const Field&) = default;
};

// What a scene can recommend. The kind whose id is kUserId are the users, who are authors too.
struct ItemKind {
  std::string name;
  std::string id;             // property that names an item
  std::string made_by;        // event; empty: an item exists from its first action on, and has no age
  std::string removed_by;     // event of its author, after which it is never shown; made again later, it is back
  std::string withdrawn_by;   // event of whoever watches over the app, after which it is shown to nobody ...
  std::string restored_by;    // ... and after which it is again
  std::string author_stated;  // property of actions: whose item it is, believed while its creation is not known
  // Text property of made_by, and of actions that say it themselves: the one that trends, windows and counters of a
  // user and a topic go by. Of users: the trait with a list of those that they told. Empty: there is none.
  std::string category;
  std::string title;  // text property of made_by that people read; empty: they read the id
  std::vector<std::string>
      numbers;                // numeric properties of made_by, at most kNumbersMax: features of kind "log_number"
  std::vector<Field> fields;  // properties of made_by; of users: traits of identify
  bool IsUsers() const { return id == kUserId; }
  // Columns and tables of the warehouse are named after the kind: post_key, dim_post, dwd_post; an item's id stands in
  // a column named like its property.
  std::string Key() const { return name + "_key"; }
};

// Something that users do to items. One event may be several actions, several events may be one.
struct Action {
  std::string name;
  std::vector<std::string> events;
  std::string when;           // property that must be there, else the event is not this action; empty: always
  size_t item = 0;            // place in Domain::items
  std::string id;             // property that names the item; the kind's own unless another is named
  std::string author;         // property that names an author it is about, when there is no item; empty: none
  bool counted = true;        // false: it only marks its item as seen
  bool shown = false;         // the item was shown, and not acted on; at most one action
  bool seen = true;           // its item is not to be shown again
  double taste = 0;           // how much it tells of a taste; negative: the opposite
  std::string value;          // numeric property that counts instead of 1; empty: 1
  double scale = 1;           // times the value
  double value_max = 1;       // of the scaled value; it is at least 0
  bool hides_item = false;    // neither the item ...
  bool hides_author = false;  // ... nor anything by that author is shown to this user again
  std::string said;           // "liked", as in "similar to a post you liked"; empty: nothing is said of it
  std::string label;          // column of dwd_impression: 1 when it followed from the impression; empty: not learned
  std::string icon;           // one of kIcons
  bool IsOutcome() const { return counted && !shown; }
  // What one of them adds to a counter: 1, or the value of its event, scaled and within its limits.
  float Weight(double value_of_event) const;
};

// Edges from user to user that are kept live; those of the one that hides nothing also point in time.
struct Relation {
  // What is not to be shown while an edge stands: what the far end wrote to the near one, or also the other way round.
  enum class Hides { kNothing, kFar, kBoth };
  std::string name;
  std::string id;      // property that names the far end
  std::string add;     // event
  std::string remove;  // event; empty: edges stay
  Hides hides = Hides::kNothing;
  // What decides which events change an edge, as one line: equal lines have equal edges, whatever the name.
  std::string Meaning() const;
};

struct Domain {
  std::vector<ItemKind> items;
  std::vector<Action> actions;  // the order is that of the file; handles are places
  std::vector<Relation> relations;
  std::vector<Field> context;  // what a request may say of itself

  const Action* FindAction(std::string_view name) const;
  bool IsOfUsers(const Action& action) const { return items[action.item].IsUsers(); }
  const ItemKind& Shown() const;  // the kind that scenes show: the one that is not the users
  const ItemKind& Users() const;
  // The relation that hides nothing, at most one: who follows whom. Null: there is none.
  const Relation* Followed() const;
  // The actions that have a label, in their order: what is learned. Bundles are judged by the first one.
  std::vector<const Action*> Labelled() const;
};

// One domain is shared by all that is made from it, and never changes.
using DomainPtr = std::shared_ptr<const Domain>;

// The project's domain.toml; without one, the domain that ships as data for projects older than that file (legacy/).
// kInvalidArgument names file and line, what was found and what is allowed.
Result<DomainPtr> LoadDomain(io::FileSystem& files, const std::string& path);
Result<DomainPtr> ParseDomain(std::string_view file, std::string_view text);
// That domain: names and places of former releases.
const DomainPtr& LegacyDomain();

// What decides which events count as the action, for whom and how much, as one line: equal lines count equally.
std::string MeaningOf(const Domain& domain, const Action& action);

}  // namespace feedmill::domain
