#include "serve/scene.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/config_table.h"

namespace feedmill::serve {
namespace {

constexpr int kLimitMax = 5000;
constexpr double kHoursMax = 24.0 * 365 * 10;

void ReadHours(ConfigTable* table, std::string_view key, Micros* out) {
  double hours = static_cast<double>(*out) / static_cast<double>(kMicrosPerHour);
  table->Number(key, 0.01, kHoursMax, &hours);
  *out = static_cast<Micros>(hours * static_cast<double>(kMicrosPerHour));
}

Status ReadChannel(ConfigTable table, Source source, ChannelSettings* channel) {
  if (!table.present()) return Ok();
  channel->enabled = true;
  table.Boolean("enabled", &channel->enabled);
  table.Integer("limit", 1, kLimitMax, &channel->limit);
  table.Number("weight", 0, 1000, &channel->weight);
  if (source == Source::kInNetwork || source == Source::kFresh || source == Source::kRandom) {
    ReadHours(&table, "age_hours_max", &channel->age_max);
  }
  if (source == Source::kInNetwork) table.Integer("followees_max", 1, kLimitMax, &channel->seeds_max);
  if (source == Source::kI2i || source == Source::kVector) table.Integer("seeds_max", 1, 64, &channel->seeds_max);
  if (source == Source::kI2i) table.Number("fade", 0.01, 1, &channel->fade);
  if (source == Source::kVector) table.Number("recent_weight", 0, 1, &channel->recent_weight);
  return table.Done();
}

Status ReadChannels(ConfigTable recall, const std::string& path, Scene* scene) {
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

Status ReadRank(ConfigTable table, RankSettings* rank) {
  table.Boolean("enabled", &rank->enabled);
  if (rank->enabled) rank->order = Order::kScore;
  table.OneOf<Order>(
      "order",
      {{"score", Order::kScore}, {"time", Order::kTime}, {"recall", Order::kRecall}, {"random", Order::kRandom}},
      &rank->order);
  table.Integer("candidates_max", 1, kLimitMax, &rank->candidates_max);
  table.Number("fusion_offset", 1, 1000, &rank->fusion_offset);
  ConfigTable weights = table.Table("weights");
  for (const std::string& action : weights.Keys()) {
    double weight = 0;
    weights.Number(action, -1000, 1000, &weight);
    rank->weights[action] = weight;
  }
  FEEDMILL_TRY(weights.Done());
  return table.Done();
}

Status ReadRerank(ConfigTable table, RerankSettings* rerank) {
  table.Number("mmr_lambda", 0, 1, &rerank->mmr_lambda);
  table.Integer("pool", 1, 1000, &rerank->pool);
  table.Integer("author_cap", 0, 1000, &rerank->author_cap);
  table.Number("fresh_share", 0, 1, &rerank->fresh_share);
  ReadHours(&table, "fresh_age_hours", &rerank->fresh_age);
  table.Number("interest_share", 0, 1, &rerank->interest_share);
  table.Number("exploration_share", 0, 1, &rerank->exploration_share);
  return table.Done();
}

void ReadRules(const std::string& path, const domain::Domain& domain, ConfigTable* table,
               std::vector<FieldRule>* rules) {
  std::vector<std::string> texts;
  table->Texts("rules", &texts);
  if (texts.size() > kRulesMax) return table->Refuse("rules", fmt::format("at most {} rules", kRulesMax));
  for (const std::string& text : texts) {
    auto rule = ParseFieldRule(text, domain);
    if (!rule)
      return table->Take(std::unexpected(rule.error().WithContext(fmt::format("{}: filter.rules \"{}\"", path, text))));
    rules->push_back(std::move(*rule));
  }
}

Status ReadFilter(ConfigTable table, const std::string& path, const domain::Domain& domain, FilterSettings* filter) {
  table.Boolean("seen", &filter->seen);
  table.Boolean("own", &filter->own);
  table.Boolean("topics", &filter->topics);
  ReadHours(&table, "age_hours_max", &filter->age_max);
  ReadRules(path, domain, &table, &filter->rules);
  return table.Done();
}

}  // namespace

Result<Scene> ParseScene(std::string_view text, const std::string& path, const std::string& name,
                         const domain::Domain& domain) {
  FEEDMILL_ASSIGN(const ConfigDocument document, ParseToml(path, text));
  Scene scene;
  scene.name = name;
  ConfigTable root(document, &document.root, "");
  root.Text("description", &scene.description);
  root.Boolean("fallback", &scene.fallback);
  ConfigTable recall = root.Table("recall");
  FEEDMILL_TRY(root.Good());
  FEEDMILL_TRY(ReadChannels(std::move(recall), path, &scene));
  FEEDMILL_TRY(ReadFilter(root.Table("filter"), path, domain, &scene.filter));
  FEEDMILL_TRY(ReadRank(root.Table("rank"), &scene.rank));
  FEEDMILL_TRY(ReadRerank(root.Table("rerank"), &scene.rerank));
  FEEDMILL_TRY(root.Done());
  return scene;
}

Result<std::map<std::string, Scene>> LoadScenes(const std::string& folder, const domain::Domain& domain) {
  std::map<std::string, Scene> scenes;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".toml") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    if (!file) return Io("{}: cannot be read", entry.path().string());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::string name = entry.path().stem().string();
    FEEDMILL_ASSIGN(scenes[name], ParseScene(text, entry.path().string(), name, domain));
  }
  if (error) return NotFound("{}: cannot be listed: {}", folder, error.message());
  if (scenes.empty()) return NotFound("{}: holds no scene; expected at least one <scene>.toml, e.g. home.toml", folder);
  return scenes;
}

}  // namespace feedmill::serve
