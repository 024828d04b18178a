// The domain's names in the SQL of models: a model says what it does with actions, domain.toml which ones there are.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/domain.h"

namespace feedmill::warehouse {

// Replaces, outside comments, strings and quoted names:
//   @shown_events          events that show an item, as texts: 'feed_impression'
//   @label_events          events of the actions that have a label
//   @author_label_events   those of them that may be about an author without an item
//   @taste                 how much a row of dwd_user_action tells of a taste for its item (domain.toml), 0: nothing
//   @each_label(TEXT)      TEXT for each action that has a label, joined by ", "; in it @label is the column,
//                          @action the name and @is what holds for rows of dwd_user_action that are the action
// A list of none is NULL. Each stays on one line and all lines keep their numbers, so that messages name places of the
// file; what is not in this list is left as it is. kInvalidArgument with file:line.
Result<std::string> ExpandDomain(std::string_view file, std::string_view sql, const domain::Domain& domain);

// "@each_label, ...": for messages.
std::string DomainMacroNames();

}  // namespace feedmill::warehouse
