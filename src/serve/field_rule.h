// A rule of a scene's [filter] over declared fields: `item.lang in user.langs`, `not item.nsfw or user.adult`. Read and
// checked when the scene is loaded; asked of each candidate over four-byte words. docs/reference/scene-rules.md.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/domain.h"
#include "serve/candidate.h"
#include "stream/live_state.h"

namespace feedmill::serve {

struct FeedContext;

inline constexpr size_t kRuleBytesMax = 1000;
inline constexpr size_t kRuleNodesMax = 64;
inline constexpr size_t kRulesMax = 16;  // of a scene

struct RuleNode {
  enum class Kind : uint8_t { kOperand, kFlag, kHas, kCompare, kIn, kOverlaps, kNot, kAnd, kOr };
  enum class Of : uint8_t { kItem, kUser, kContext, kConstant, kNow };
  // What is compared how; of kCompare.
  enum class Order : uint8_t { kEqual, kNotEqual, kLess, kAtMost, kGreater, kAtLeast };

  Kind kind = Kind::kOperand;
  int left = -1, right = -1;  // places of its parts

  // Of kOperand.
  Of of = Of::kConstant;
  domain::FieldType type = domain::FieldType::kText;
  int field = 0;      // place among the declared fields; kCategory, or kFirstNumber and what is behind it
  double number = 0;  // of a constant; 0 or 1 of a boolean, seconds since 1970 of a time
  std::vector<std::string> texts = {};  // likewise

  Order order = Order::kEqual;

  static constexpr int kCategory = -1;     // the item's category, the categories that a user told
  static constexpr int kFirstNumber = -2;  // the item's first number; -3 the second, ...
};

// Parsed and checked; plain data.
struct FieldRule {
  std::string text;
  std::vector<RuleNode> nodes;  // parts before what they are parts of; the last one is the rule
};

// kInvalidArgument: where in the rule, what was found, what is allowed.
Result<FieldRule> ParseFieldRule(std::string_view text, const domain::Domain& domain);

// The rules of one request: what is of its user, its context and constants is looked up once. Under the request's
// ReadGuard.
class BoundRules {
 public:
  BoundRules(std::span<const FieldRule> rules, const FeedContext& context);
  // Whether a rule is false of the candidate, which is hydrated. A rule that is neither true nor false, because what it
  // needs is not given, keeps it.
  bool Break(const Candidate& candidate) const;

 private:
  enum class Truth : uint8_t { kFalse, kUnknown, kTrue };
  struct Value {
    bool given = false;
    double number = 0;
    features::EntityHandle text = features::kNoEntity;
    std::span<const features::EntityHandle> texts = {};
    stream::FieldWord list = {};  // of an item: its texts stay where they are
  };

  Value OfUser(const RuleNode& node);
  Value OfContext(const RuleNode& node);
  Value OfConstant(const RuleNode& node);
  Value OfTexts(std::vector<features::EntityHandle> texts);  // a list, and the first of it
  std::vector<features::EntityHandle> Find(const std::vector<std::string>& texts) const;
  Value OfWord(domain::FieldType type, stream::FieldWord word) const;
  Value OfItem(const RuleNode& node, const Candidate& candidate) const;
  Value ValueOf(size_t rule, int node, const Candidate& candidate) const;
  Truth Ask(size_t rule, int node, const Candidate& candidate) const;
  Truth Compare(size_t rule, const RuleNode& node, const Candidate& candidate) const;
  bool Holds(const Value& list, features::EntityHandle text) const;
  bool Overlap(const Value& left, const Value& right) const;

  std::span<const FieldRule> rules_;
  const FeedContext& context_;
  std::vector<std::vector<Value>> bound_;                  // by rule and node; of items not used
  std::deque<std::vector<features::EntityHandle>> texts_;  // of bound values
};

}  // namespace feedmill::serve
