#include "serve/user_vector.h"

#include <cmath>

#include "serve/recall.h"

namespace feedmill::serve {
namespace {

std::span<const float> VectorOf(const store::FlatTable& table, std::string_view key, size_t dimension) {
  const int64_t row = table.Find(key);
  if (row < 0) return {};
  const auto offset = table.FieldOffset(kVectorField, store::FieldType::kFloat32, static_cast<uint32_t>(dimension));
  if (!offset) return {};
  return {reinterpret_cast<const float*>(table.Row(row) + *offset), dimension};
}

double Norm(std::span<const float> vector) {
  double sum = 0;
  for (float value : vector) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

// out += vector * (weight / |vector|); false, and nothing added, for no vector or one of zeros.
bool AddDirection(std::span<const float> vector, double weight, std::vector<float>* out) {
  const double norm = Norm(vector);
  if (norm <= 0) return false;
  const float factor = static_cast<float>(weight / norm);
  for (size_t i = 0; i < vector.size(); ++i) (*out)[i] += factor * vector[i];
  return true;
}

// The direction of the post; of one younger than the bundle, the mean direction of its author's posts that the bundle
// knows.
bool AddDirectionOf(const FeedContext& context, features::EntityHandle post, double weight, std::vector<float>* out) {
  const auto of = [&](features::EntityHandle other) {
    return PostVector(*context.bundle, context.state->PostId(other));
  };
  if (AddDirection(of(post), weight, out)) return true;
  const features::EntityHandle author = context.state->Post(post).author;
  if (author == features::kNoEntity) return false;
  std::vector<float> mean(out->size(), 0);
  for (features::EntityHandle other : context.state->RecentPostsOf(author)) AddDirection(of(other), 1, &mean);
  return AddDirection(mean, weight, out);
}

}  // namespace

std::span<const float> PostVector(const Bundle& bundle, std::string_view post_id) {
  if (bundle.posts == nullptr || bundle.post_index == nullptr) return {};
  return VectorOf(*bundle.posts, post_id, bundle.post_index->dimension());
}

std::vector<float> UserVector(const FeedContext& context, double recent_weight, int seeds_max) {
  const Bundle& bundle = *context.bundle;
  const size_t dimension = bundle.post_index->dimension();
  const std::span<const float> nightly =
      bundle.users == nullptr ? std::span<const float>() : VectorOf(*bundle.users, context.query->user_id, dimension);
  std::vector<float> recent(dimension, 0);
  int seeds = 0;
  for (const stream::LastAction& action : context.last_actions) {
    const float weight = TasteWeight(*context.state->domain(), action.action);
    if (weight <= 0 || action.post == features::kNoEntity) continue;
    seeds += AddDirectionOf(context, action.post, weight, &recent);
    if (seeds >= seeds_max) break;
  }
  if (nightly.empty() && seeds == 0) return {};
  if (nightly.empty()) return recent;
  std::vector<float> result(dimension, 0);
  AddDirection(nightly, 1 - recent_weight, &result);
  AddDirection(recent, seeds == 0 ? 0 : recent_weight, &result);
  return result;
}

}  // namespace feedmill::serve
