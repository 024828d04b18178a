#include "serve/explain_ring.h"

namespace feedmill::serve {

void ExplainRing::Put(std::string request_id, std::string document) {
  auto kept = std::make_shared<const std::string>(std::move(document));
  MutexLock lock(mutex_);
  const auto [place, inserted] = documents_.try_emplace(request_id, nullptr);
  if (inserted) {
    order_.push_back(std::move(request_id));
  } else {
    bytes_ -= place->second->size();
  }
  bytes_ += kept->size();
  place->second = std::move(kept);
  while (!order_.empty() && (order_.size() > count_max_ || bytes_ > bytes_max_)) {
    const auto oldest = documents_.find(order_.front());
    bytes_ -= oldest->second->size();
    documents_.erase(oldest);
    order_.pop_front();
  }
}

std::shared_ptr<const std::string> ExplainRing::Get(std::string_view request_id) const {
  MutexLock lock(mutex_);
  const auto found = documents_.find(std::string(request_id));
  return found == documents_.end() ? nullptr : found->second;
}

}  // namespace feedmill::serve
