// A small app for tests, benches and the console's demo server: authors who post, users with a taste, and a bundle over
// them. Everything is made from a seed; nothing here is part of the product.
#pragma once

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/random.h"
#include "domain/template_for_test.h"
#include "features/feature_set.h"
#include "io/file_system.h"
#include "serve/bundle.h"
#include "stream/live_state.h"

namespace feedmill::serve {

struct SmallWorldOptions {
  int users = 60;
  int authors = 20;
  int posts = 300;
  int actions_per_user = 12;
  int follows_per_user = 4;
  int trees = 20;               // of each model
  std::string features_folder;  // template/features
  std::string bundle_folder;    // written when not empty
  stream::LiveStateOptions state;
};

class SmallWorld {
 public:
  static constexpr Micros kNow = 1'780'000'000 * kMicrosPerSecond;  // 2026-05-28
  static constexpr int kTopics = 6;
  static constexpr uint32_t kDimension = 16;

  explicit SmallWorld(const SmallWorldOptions& options) : clock(kNow), options_(options), random_(7) {
    auto loaded = features::LoadFeatureSet(io::PosixFileSystem(), options.features_folder, domain::TemplateDomain());
    if (!loaded) Die(loaded.error());
    features = std::move(*loaded);
    state = std::make_unique<stream::LiveState>(features, options.state);
    MakePosts();
    MakeActions();
    if (!options.bundle_folder.empty()) WriteBundle();
  }

  static std::string Topic(int topic) {
    static const char* const kNames[kTopics] = {"music", "cooking", "cycling", "history", "games", "astronomy"};
    return kNames[topic % kTopics];
  }
  static std::string User(int user) { return fmt::format("user-{}", user); }
  static std::string Author(int author) { return fmt::format("author-{}", author); }
  static std::string Post(int post) { return fmt::format("post-{}", post); }
  int TopicOfPost(int post) const { return (post % options_.authors) % kTopics; }

  // Appends an event to the log as the stream sees it; returns its position.
  LogPosition Send(const std::string& user, const std::string& name, const std::string& properties, Micros time,
                   const std::string& type = "track") {
    LogRecord record;
    record.event.message_id = fmt::format("m-{}", next_);
    record.event.type = type;
    record.event.name = name;
    record.event.user_id = user;
    record.event.event_time = record.event.original_time = time;
    record.event.properties = properties;
    const LogPosition position{0, next_++};
    state->Apply(record, position);
    return position;
  }
  LogPosition Act(const std::string& user, const std::string& name, const std::string& post) {
    return Send(user, name, fmt::format(R"({{"post_id":"{}"}})", post), clock.Now());
  }
  LogPosition Identify(const std::string& user, const std::string& topic) {
    return Send(user, "", fmt::format(R"({{"topics":["{}"]}})", topic), clock.Now(), "identify");
  }
  LogPosition Create(const std::string& author, const std::string& post, const std::string& topic, Micros time) {
    return Send(author, "post_create", fmt::format(R"({{"post_id":"{}","topic":"{}","text_length":120}})", post, topic),
                time);
  }
  uint64_t log_end() const { return next_; }
  void SetLogEnd(uint64_t end) { next_ = end; }

  std::shared_ptr<const Bundle> OpenTheBundle() const {
    auto opened = OpenBundle(io::PosixFileSystem(), options_.bundle_folder, features.domain);
    if (!opened) Die(opened.error());
    return *opened;
  }

  ManualClock clock;
  features::FeatureSet features;
  std::unique_ptr<stream::LiveState> state;

 private:
  [[noreturn]] static void Die(const Error& error) {
    fmt::print(stderr, "{}\n", error.ToString());
    std::abort();
  }
  static void Check(const Status& status) {
    if (!status) Die(status.error());
  }

  void MakePosts() {
    for (int post = 0; post < options_.posts; ++post) {
      const Micros time = kNow - (options_.posts - post) * (72 * kMicrosPerHour / options_.posts);
      Create(Author(post % options_.authors), Post(post), Topic(TopicOfPost(post)), time);
    }
  }

  void MakeActions() {
    static const char* const kActions[] = {"post_click", "post_click", "like", "comment", "share"};
    for (int user = 0; user < options_.users; ++user) {
      for (int i = 0; i < options_.follows_per_user; ++i) {
        Send(User(user), "follow",
             fmt::format(R"({{"target_user_id":"{}"}})", Author((user + i * kTopics) % options_.authors)),
             kNow - 48 * kMicrosPerHour);
      }
    }
    for (int i = 0; i < options_.actions_per_user; ++i) {
      const Micros time = kNow - (options_.actions_per_user - i) * 20 * kMicrosPerMinute;
      for (int user = 0; user < options_.users; ++user) {
        const std::string post = Post(LikedPost(user));
        Send(User(user), "feed_impression", fmt::format(R"({{"post_id":"{}"}})", post), time);
        if (random_.Chance(0.6))
          Send(User(user), kActions[random_.Below(5)], fmt::format(R"({{"post_id":"{}"}})", post), time + 1);
      }
    }
  }

  // A post of the user's topic, the popular ones more often.
  int LikedPost(int user) {
    const int rank = static_cast<int>(std::pow(random_.Uniform(), 2) * options_.posts);
    int post = std::min(options_.posts - 1, rank);
    for (int i = 0; i < options_.posts && TopicOfPost(post) != user % kTopics; ++i) post = (post + 1) % options_.posts;
    return post;
  }

  std::vector<float> Vector(int topic) {
    std::vector<float> vector(kDimension);
    for (float& value : vector) value = static_cast<float>(random_.Normal() * 0.15);
    vector[static_cast<size_t>(topic)] += 1;
    return vector;
  }

  void WriteVectors(const char* file, int count, const std::function<std::pair<std::string, int>(int)>& row) {
    auto table =
        store::CreateFlatTable(io::PosixFileSystem(), options_.bundle_folder + "/" + file,
                               {{"vector", store::FieldType::kFloat32, kDimension}}, static_cast<size_t>(count));
    if (!table) Die(table.error());
    for (int i = 0; i < count; ++i) {
      const auto [key, topic] = row(i);
      Check((*table)->Add(key, std::as_bytes(std::span<const float>(Vector(topic)))));
    }
    Check((*table)->Finish());
  }

  void WriteLists(const char* file, int keys, const std::function<std::string(int)>& key,
                  const std::function<int(int, int)>& post) {
    auto lists = store::CreateCandidateLists(io::PosixFileSystem(), options_.bundle_folder + "/" + file);
    if (!lists) Die(lists.error());
    for (int i = 0; i < keys; ++i) {
      std::vector<std::string> ids;
      for (int j = 0; j < 30; ++j) {
        const std::string id = Post(post(i, j));
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
      }
      std::vector<store::ScoredId> scored;
      for (const std::string& id : ids) scored.push_back({id, 1.0F / static_cast<float>(scored.size() + 1)});
      Check((*lists)->Add(key(i), scored));
    }
    Check((*lists)->Finish());
  }

  // Trees of three leaves over drawn features: they rank, they do not mean anything.
  std::string ModelText(uint64_t seed) {
    Random random(seed);
    std::string names, infos, sizes, trees;
    for (const features::FeatureDefinition& feature : features.features)
      names += (names.empty() ? "" : " ") + feature.name;
    for (size_t i = 0; i < features.features.size(); ++i) infos += i == 0 ? "[0:1]" : " [0:1]";
    for (int tree = 0; tree < options_.trees; ++tree) {
      sizes += tree == 0 ? "1" : " 1";
      const uint64_t width = features.features.size();
      trees += fmt::format(
          "Tree={}\nnum_leaves=3\nnum_cat=0\nsplit_feature={} {}\nsplit_gain=1 1\nthreshold={} {}\ndecision_type=2 8\n"
          "left_child=1 -1\nright_child=-2 -3\nleaf_value={} {} {}\nleaf_weight=1 1 1\nleaf_count=1 1 "
          "1\ninternal_value=0 0\n"
          "internal_weight=0 0\ninternal_count=3 2\nis_linear=0\nshrinkage=0.1\n\n\n",
          tree, random.Below(width), random.Below(width), 0.05 + random.Uniform(), 0.01 + random.Uniform() * 0.2,
          random.Normal() * 0.2, random.Normal() * 0.2, random.Normal() * 0.2);
    }
    return fmt::format(
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx={}\nobjective=binary "
        "sigmoid:1\n"
        "feature_names={}\nfeature_infos={}\ntree_sizes={}\n\n{}end of trees\n\nfeature_importances:\n\nparameters:\n"
        "[boosting: gbdt]\nend of parameters\n",
        features.features.size() - 1, names, infos, sizes, trees);
  }

  void WriteBundle() {
    io::FileSystem& files = io::PosixFileSystem();
    const std::string& folder = options_.bundle_folder;
    Check(files.RemoveAll(folder));
    Check(files.CreateDirectories(folder));
    WriteVectors(kPostsFile, options_.posts, [this](int post) { return std::pair(Post(post), TopicOfPost(post)); });
    WriteVectors(kUsersFile, options_.users, [](int user) { return std::pair(User(user), user % kTopics); });
    WriteLists(kI2iFile, options_.posts, Post,
               [this](int post, int j) { return (post + (j + 1) * kTopics * 10) % options_.posts; });
    WriteLists(kU2uFile, options_.users, User,
               [this](int user, int j) { return (user % kTopics + j * 7) % options_.posts; });
    WriteLists(kTrendingFile, 1, [](int) { return std::string("all"); }, [](int, int j) { return j; });
    registry::BundleManifest manifest;
    manifest.created_at = manifest.data_cut = kNow - 6 * kMicrosPerHour;
    manifest.feature_set_hash = features.hash;
    manifest.metrics = {
        {"auc", 0.71}, {"ndcg10", 0.42}, {"ndcg10_popularity", 0.31}, {"recall100", 0.55}, {"user_auc", 0.66}};
    manifest.action_weights = {{"click", 1}, {"like", 2}, {"hide", -5}};
    uint64_t seed = 1;
    for (const auto& [action, weight] : manifest.action_weights) {
      manifest.calibration[action] = {1.0, action == "hide" ? -4.0 : -2.0};
      Check(io::WriteFileAtomically(files, fmt::format("{}/rank_{}.model", folder, action), ModelText(seed++)));
    }
    Check(io::WriteFileAtomically(files, folder + "/" + kFeaturesFile, features::FormatFeatureSet(features)));
    Check(registry::SealBundle(files, folder, &manifest));
  }

  SmallWorldOptions options_;
  Random random_;
  uint64_t next_ = 0;
};

}  // namespace feedmill::serve
