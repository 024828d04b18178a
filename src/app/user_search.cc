#include "app/user_search.h"

#include <algorithm>

#include "base/deadline.h"

namespace feedmill::app {
namespace {

using console::UserRow;

bool First(const UserRow& a, const UserRow& b) { return a.actions != b.actions ? a.actions > b.actions : a.id < b.id; }

class Search {
 public:
  Search(const stream::LiveState& state, const std::string& text, size_t limit)
      : state_(state), text_(text), limit_(limit) {}

  // Under a guard. Rows are kept as a heap whose front is the one to give way.
  void Look(stream::EntityHandle user) {
    const std::string_view id = state_.UserId(user);
    if (id == text_ || id.find(text_) == std::string_view::npos) return;
    const auto actions = static_cast<int64_t>(state_.ActionCount(user));
    if (rows_.size() == limit_ && actions < rows_.front().actions) return;
    UserRow row = RowOf(user);
    if (rows_.size() == limit_) {
      if (!First(row, rows_.front())) return;
      std::ranges::pop_heap(rows_, First);
      rows_.pop_back();
    }
    rows_.push_back(std::move(row));
    std::ranges::push_heap(rows_, First);
  }

  UserRow RowOf(stream::EntityHandle user) const {
    UserRow row;
    row.id = state_.UserId(user);
    row.follows = static_cast<int64_t>(state_.Followees(user).size());
    const auto actions = state_.LastActions(user);
    row.actions = static_cast<int64_t>(actions.size());
    row.last_action_at = actions.empty() ? 0 : actions.front().time;
    return row;
  }

  std::vector<UserRow> Take(std::vector<UserRow> exact) {
    std::ranges::sort(rows_, First);
    exact.insert(exact.end(), std::make_move_iterator(rows_.begin()), std::make_move_iterator(rows_.end()));
    exact.resize(std::min(exact.size(), limit_));
    return exact;
  }

 private:
  const stream::LiveState& state_;
  const std::string& text_;
  const size_t limit_;
  std::vector<UserRow> rows_;
};

}  // namespace

std::vector<UserRow> SearchUsers(const stream::LiveState& state, const std::string& search, size_t limit,
                                 const UserSearchOptions& options) {
  if (limit == 0) return {};
  Search found(state, search, limit);
  std::vector<UserRow> exact;
  const Deadline deadline = Deadline::After(options.time_max);
  for (size_t offset = 0; offset < options.users_max && !deadline.Expired(); offset += options.slice_users) {
    if (offset > 0 && options.between_slices) options.between_slices();
    const auto guard = state.Read();
    const stream::EntityHandle same = offset == 0 ? state.FindUser(search) : stream::kNoEntity;
    if (same != stream::kNoEntity) exact.push_back(found.RowOf(same));
    const auto users = state.UserIds(offset, std::min(options.slice_users, options.users_max - offset));
    for (const stream::EntityHandle user : users) found.Look(user);
    if (users.size() < options.slice_users) break;
  }
  return found.Take(std::move(exact));
}

}  // namespace feedmill::app
