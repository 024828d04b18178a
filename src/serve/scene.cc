#include "serve/scene.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "base/config_document.h"

namespace feedmill::serve {
namespace {

constexpr int kLimitMax = 5000;
constexpr double kHoursMax = 24.0 * 365 * 10;

// One table of a scene: reads known keys, remembers the first mistake, and at the end refuses the keys nobody read.
class TableReader {
 public:
  // `table` may be null: a reader of nothing.
  TableReader(const ConfigDocument& document, const ConfigNode* table, std::string where)
      : document_(document), table_(table), where_(std::move(where)) {}

  bool present() const { return table_ != nullptr; }

  void Boolean(std::string_view key, bool* out) {
    const ConfigNode* node = Find(key);
    if (node == nullptr) return;
    if (node->kind != ConfigNode::Kind::kBoolean) return Wrong(*node, key, "true or false");
    *out = node->boolean;
  }

  void Number(std::string_view key, double low, double high, double* out) {
    const ConfigNode* node = Find(key);
    if (node == nullptr) return;
    const bool whole = node->kind == ConfigNode::Kind::kInteger;
    const double value = whole ? static_cast<double>(node->integer) : node->real;
    const bool good = (whole || node->kind == ConfigNode::Kind::kReal) && value >= low && value <= high;
    if (!good) return Wrong(*node, key, fmt::format("a number from {} to {}", low, high));
    *out = value;
  }

  void Integer(std::string_view key, int low, int high, int* out) {
    const ConfigNode* node = Find(key);
    if (node == nullptr) return;
    const bool good = node->kind == ConfigNode::Kind::kInteger && node->integer >= low && node->integer <= high;
    if (!good) return Wrong(*node, key, fmt::format("a whole number from {} to {}", low, high));
    *out = static_cast<int>(node->integer);
  }

  void Hours(std::string_view key, Micros* out) {
    double hours = static_cast<double>(*out) / static_cast<double>(kMicrosPerHour);
    Number(key, 0.01, kHoursMax, &hours);
    *out = static_cast<Micros>(hours * static_cast<double>(kMicrosPerHour));
  }

  void Text(std::string_view key, std::string* out) {
    const ConfigNode* node = Find(key);
    if (node == nullptr) return;
    if (node->kind != ConfigNode::Kind::kString) return Wrong(*node, key, "a text");
    *out = node->text;
  }

  void OneOf(std::string_view key, std::initializer_list<std::pair<std::string_view, Order>> choices, Order* out) {
    const ConfigNode* node = Find(key);
    if (node == nullptr) return;
    std::string allowed;
    for (const auto& [name, order] : choices) {
      if (node->kind == ConfigNode::Kind::kString && node->text == name) {
        *out = order;
        return;
      }
      allowed += fmt::format("{}\"{}\"", allowed.empty() ? "" : ", ", name);
    }
    Wrong(*node, key, allowed);
  }

  // The table under `key`; a reader of nothing when it is not there.
  TableReader Table(std::string_view key) {
    const ConfigNode* node = Find(key);
    const bool table = node != nullptr && node->kind == ConfigNode::Kind::kTable;
    if (node != nullptr && !table) Wrong(*node, key, "a table");
    return TableReader(document_, table ? node : nullptr,
                       where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key));
  }

  std::vector<std::string> Keys() const {
    std::vector<std::string> keys;
    if (table_ != nullptr) {
      for (const auto& [key, node] : table_->members) keys.push_back(key);
    }
    return keys;
  }

  Status Good() const { return error_ ? Status(std::unexpected(*error_)) : Ok(); }

  Status Done() {
    if (error_) return std::unexpected(*error_);
    if (table_ == nullptr) return Ok();
    for (const auto& [key, node] : table_->members) {
      if (known_.contains(key)) continue;
      return InvalidArgument("{}: unknown key \"{}\"{}; allowed: {}", document_.Where(node), key,
                             where_.empty() ? "" : fmt::format(" in [{}]", where_), fmt::join(known_, ", "));
    }
    return Ok();
  }

 private:
  const ConfigNode* Find(std::string_view key) {
    known_.insert(std::string(key));
    return table_ == nullptr ? nullptr : table_->Find(key);
  }

  void Wrong(const ConfigNode& node, std::string_view key, std::string_view allowed) {
    if (error_) return;
    error_ = Error(ErrorKind::kInvalidArgument,
                   fmt::format("{}: {}{}{}: found {}; allowed: {}", document_.Where(node), where_,
                               where_.empty() ? "" : ".", key, node.Describe(), allowed));
  }

  const ConfigDocument& document_;
  const ConfigNode* table_;
  std::string where_;
  std::set<std::string> known_;
  std::optional<Error> error_;
};

Status ReadChannel(TableReader table, Source source, ChannelSettings* channel) {
  if (!table.present()) return Ok();
  channel->enabled = true;
  table.Boolean("enabled", &channel->enabled);
  table.Integer("limit", 1, kLimitMax, &channel->limit);
  table.Number("weight", 0, 1000, &channel->weight);
  if (source == Source::kInNetwork || source == Source::kFresh || source == Source::kRandom) {
    table.Hours("age_hours_max", &channel->age_max);
  }
  if (source == Source::kInNetwork) table.Integer("followees_max", 1, kLimitMax, &channel->seeds_max);
  if (source == Source::kI2i || source == Source::kVector) table.Integer("seeds_max", 1, 64, &channel->seeds_max);
  if (source == Source::kI2i) table.Number("fade", 0.01, 1, &channel->fade);
  if (source == Source::kVector) table.Number("recent_weight", 0, 1, &channel->recent_weight);
  return table.Done();
}

Status ReadChannels(TableReader recall, const std::string& path, Scene* scene) {
  scene->channels[static_cast<size_t>(Source::kInNetwork)].seeds_max = 500;
  int enabled = 0;
  for (int i = 0; i < kChannelCount; ++i) {
    const Source source = static_cast<Source>(i);
    FEEDMILL_TRY(ReadChannel(recall.Table(SourceName(source)), source, &scene->channels[static_cast<size_t>(i)]));
    enabled += scene->channels[static_cast<size_t>(i)].enabled ? 1 : 0;
  }
  FEEDMILL_TRY(recall.Done());
  if (enabled == 0)
    return InvalidArgument("{}: [recall] has no channel; add at least one, e.g. [recall.trending]", path);
  return Ok();
}

Status ReadRank(TableReader table, RankSettings* rank) {
  table.Boolean("enabled", &rank->enabled);
  if (rank->enabled) rank->order = Order::kScore;
  table.OneOf(
      "order",
      {{"score", Order::kScore}, {"time", Order::kTime}, {"recall", Order::kRecall}, {"random", Order::kRandom}},
      &rank->order);
  table.Integer("candidates_max", 1, kLimitMax, &rank->candidates_max);
  table.Number("fusion_offset", 1, 1000, &rank->fusion_offset);
  TableReader weights = table.Table("weights");
  for (const std::string& action : weights.Keys()) {
    double weight = 0;
    weights.Number(action, -1000, 1000, &weight);
    rank->weights[action] = weight;
  }
  FEEDMILL_TRY(weights.Done());
  return table.Done();
}

Status ReadRerank(TableReader table, RerankSettings* rerank) {
  table.Number("mmr_lambda", 0, 1, &rerank->mmr_lambda);
  table.Integer("pool", 1, 1000, &rerank->pool);
  table.Integer("author_cap", 0, 1000, &rerank->author_cap);
  table.Number("fresh_share", 0, 1, &rerank->fresh_share);
  table.Hours("fresh_age_hours", &rerank->fresh_age);
  table.Number("interest_share", 0, 1, &rerank->interest_share);
  table.Number("exploration_share", 0, 1, &rerank->exploration_share);
  return table.Done();
}

Status ReadFilter(TableReader table, FilterSettings* filter) {
  table.Boolean("seen", &filter->seen);
  table.Boolean("own", &filter->own);
  table.Boolean("topics", &filter->topics);
  table.Hours("age_hours_max", &filter->age_max);
  return table.Done();
}

}  // namespace

Result<Scene> ParseScene(std::string_view text, const std::string& path, const std::string& name) {
  FEEDMILL_ASSIGN(const ConfigDocument document, ParseToml(path, text));
  Scene scene;
  scene.name = name;
  TableReader root(document, &document.root, "");
  root.Text("description", &scene.description);
  root.Boolean("fallback", &scene.fallback);
  TableReader recall = root.Table("recall");
  FEEDMILL_TRY(root.Good());
  FEEDMILL_TRY(ReadChannels(std::move(recall), path, &scene));
  FEEDMILL_TRY(ReadFilter(root.Table("filter"), &scene.filter));
  FEEDMILL_TRY(ReadRank(root.Table("rank"), &scene.rank));
  FEEDMILL_TRY(ReadRerank(root.Table("rerank"), &scene.rerank));
  FEEDMILL_TRY(root.Done());
  return scene;
}

Result<std::map<std::string, Scene>> LoadScenes(const std::string& folder) {
  std::map<std::string, Scene> scenes;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".toml") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    if (!file) return Io("{}: cannot be read", entry.path().string());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::string name = entry.path().stem().string();
    FEEDMILL_ASSIGN(scenes[name], ParseScene(text, entry.path().string(), name));
  }
  if (error) return NotFound("{}: cannot be listed: {}", folder, error.message());
  if (scenes.empty()) return NotFound("{}: holds no scene; expected at least one <scene>.toml, e.g. home.toml", folder);
  return scenes;
}

}  // namespace feedmill::serve
