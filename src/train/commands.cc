#include "train/commands.h"

#include <cstdio>

#include <nlohmann/json.hpp>

#include "io/confined_file_system.h"
#include "lake/catalog.h"
#include "lake/run_tables.h"
#include "meta/store.h"
#include "query/engine.h"
#include "registry/registry.h"
#include "train/bundle_builder.h"
#include "train/live_twin.h"
#include "train/rank_trainer.h"
#include "train/recall_trainer.h"
#include "train/work_folder.h"

namespace feedmill::train {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kEngineShare = 3;  // SQL has this part of the step's memory
constexpr uint64_t kEngineMemoryMin = 96ull << 20;

// The step protocol of nightly runs: one JSON object a line on standard output.
void PrintProgress(double share, std::string_view note) {
  std::printf("%s\n", Json{{"progress", share}, {"note", note}}.dump().c_str());
  std::fflush(stdout);
}

// Everything a step needs open. Movable parts only; the clock outlives them.
struct Workplace {
  SystemClock clock;
  std::unique_ptr<meta::Store> store;
  std::unique_ptr<lake::Catalog> tables;  // what the catalog of a run stands on
  std::unique_ptr<lake::Catalog> catalog;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<query::Engine> engine;
  std::unique_ptr<query::Session> session;
};

std::string WorkFolder(const CommandOptions& options) {
  return fmt::format("{}/tmp/training-{}", options.data, options.cut);
}

Status OpenStores(const CommandOptions& options, io::FileSystem& files, Workplace* place) {
  const std::string path = options.data + "/meta.db";
  FEEDMILL_ASSIGN(const bool exists, files.Exists(path));
  if (!exists) return NotFound("{} is not there: is --data the data folder of a Feedmill that has run?", path);
  std::vector<meta::Migration> migrations = lake::CatalogMigrations();
  for (meta::Migration& migration : registry::RegistryMigrations()) migrations.push_back(std::move(migration));
  FEEDMILL_ASSIGN(place->store, meta::OpenStore(path, migrations));
  lake::CatalogOptions catalog;
  catalog.warehouse = options.data + "/lake";
  FEEDMILL_ASSIGN(place->tables, options.run_id.empty() ? lake::OpenCatalog(files, *place->store, place->clock, catalog)
                                                        : lake::OpenStagedCatalog(files, *place->store, place->clock,
                                                                                  catalog, options.run_id));
  FEEDMILL_ASSIGN(const bool pinned, lake::IsPinned(*place->store, options.run_id));
  place->catalog =
      pinned ? lake::MakeRunCatalog(*place->tables, *place->store, options.run_id) : std::move(place->tables);
  FEEDMILL_ASSIGN(place->registry, registry::OpenRegistry(*place->store, place->clock));
  return Ok();
}

Status OpenPlace(const CommandOptions& options, io::FileSystem& files, std::span<const std::string> tables,
                 Workplace* place) {
  FEEDMILL_TRY(OpenStores(options, files, place));
  const std::string temporary = WorkFolder(options) + "/sql";
  FEEDMILL_TRY(files.CreateDirectories(temporary));
  query::EngineOptions engine;
  engine.temporary_directory = temporary;
  engine.memory_bytes_max = std::max(kEngineMemoryMin, options.MemoryBytes() / kEngineShare);
  engine.threads = options.threads;
  FEEDMILL_ASSIGN(place->engine, query::OpenEngine(engine));
  FEEDMILL_ASSIGN(place->session, place->engine->NewSession());
  for (const std::string& table : tables) FEEDMILL_TRY(place->session->RegisterTable(*place->catalog, table));
  return Ok();
}

Json MetricsJson(const std::map<std::string, double>& metrics) { return Json(metrics); }

// There is too little to learn from, or what was learned is not to be trusted: the bundle then has vectors and lists
// but no models, and serving merges the channels.
Result<std::string> SkipRank(io::FileSystem& files, const CommandOptions& options, const features::FeatureSet& set,
                             const std::string& live_bundle, const std::string& why) {
  FEEDMILL_TRY(WriteRankPart(files, WorkFolder(options), {}, set, live_bundle));
  return Json{{"rows", 0}, {"skipped", why}, {"metrics", Json::object()}, {"notes", {why}}}.dump();
}

// The live twin beside the samples; what it served is read when it knows other features than the project.
Result<LiveTwin> LiveTwinOf(Workplace& place, const LiveBundle& live, const features::FeatureSet& set,
                            const SampleSet& samples, const Slice& later, std::vector<std::string>* notes) {
  if (live.model.empty()) return LiveTwin{};
  if (live.set.hash != set.hash) {
    const Status registered = place.session->RegisterTable(*place.catalog, "ods.ods_feed_request");
    if (!registered && registered.error().kind() == ErrorKind::kNotFound) {
      notes->push_back(
          "the live bundle knows other features and has served nothing yet: popularity is what the new one has to "
          "beat");
      return LiveTwin{};
    }
    FEEDMILL_TRY(registered);
  }
  return MakeLiveTwin(*place.session, live, set, samples, later, notes);
}

}  // namespace

Result<std::string> RunAls(const CommandOptions& options) {
  io::ConfinedFileSystem files(io::PosixFileSystem(), {options.data});
  FEEDMILL_ASSIGN(const domain::DomainPtr domain, domain::LoadDomain(files, options.project + "/domain.toml"));
  FEEDMILL_ASSIGN(AlsPlan plan, LoadAlsPlan(files, options.project + "/models", *domain));
  plan.memory_bytes_max = options.MemoryBytes();
  Workplace place;
  const std::string tables[] = {"dwd.dwd_user_action"};
  FEEDMILL_TRY(OpenPlace(options, files, tables, &place));
  PrintProgress(0, "reading interactions");
  FEEDMILL_ASSIGN(const InteractionSet set, ReadInteractions(*place.session, plan, options.cut));
  FEEDMILL_ASSIGN(const RecallResult result, TrainRecall(set, plan, PrintProgress));
  FEEDMILL_TRY(WriteRecallPart(files, WorkFolder(options), result));
  return Json{{"interactions", set.interactions.size()},
              {"users", result.users.size()},
              {"posts", result.posts.size()},
              {"metrics", MetricsJson(result.metrics)},
              {"notes", result.notes}}
      .dump();
}

Result<std::string> RunRank(const CommandOptions& options) {
  io::ConfinedFileSystem files(io::PosixFileSystem(), {options.data});
  FEEDMILL_ASSIGN(const features::FeatureSet set, features::LoadProjectFeatures(files, options.project));
  FEEDMILL_ASSIGN(const RankPlan wanted, LoadRankPlan(files, options.project + "/models", *set.domain));
  const RankPlan plan = FitToMemory(wanted, set.features.size(), options.MemoryBytes());
  Workplace place;
  const std::string tables[] = {"ads.ads_sample_ctr"};
  FEEDMILL_TRY(OpenPlace(options, files, tables, &place));
  PrintProgress(0, "reading samples");
  std::vector<std::string> notes;
  FEEDMILL_ASSIGN(const LiveBundle live,
                  ReadLiveBundle(files, options.data, set.domain, plan.actions[0].action, *place.registry, &notes));
  FEEDMILL_ASSIGN(const std::string missing, TooFewSamples(*place.session, plan, options.cut));
  if (!missing.empty()) return SkipRank(files, options, set, live.id, missing);
  FEEDMILL_ASSIGN(const SampleSet samples, ReadSamples(*place.session, set, plan, options.cut));
  if (plan.rows_max < wanted.rows_max && samples.rows_in_table > static_cast<uint64_t>(plan.rows_max)) {
    notes.push_back(fmt::format("thinned to {} rows instead of {} (data.rows_max): the step's {} MiB hold no more",
                                plan.rows_max, wanted.rows_max, options.MemoryBytes() >> 20));
  }
  const auto split = SplitByTime(samples, plan);
  if (!split) return SkipRank(files, options, set, live.id, split.error().message());
  FEEDMILL_ASSIGN(const LiveTwin twin, LiveTwinOf(place, live, set, samples, split->later, &notes));
  FEEDMILL_ASSIGN(const RankResult result, TrainRank(samples, set, plan, twin, PrintProgress));
  if (!result.withheld.empty()) return SkipRank(files, options, set, live.id, result.withheld);
  notes.insert(notes.end(), result.notes.begin(), result.notes.end());
  FEEDMILL_TRY(WriteRankPart(files, WorkFolder(options), result, set, live.id));
  return Json{{"rows", samples.row_count()},
              {"rows_in_table", samples.rows_in_table},
              {"metrics", MetricsJson(result.metrics)},
              {"notes", notes}}
      .dump();
}

Result<std::string> RunBundle(const CommandOptions& options) {
  io::ConfinedFileSystem files(io::PosixFileSystem(), {options.data});
  Workplace place;
  FEEDMILL_TRY(OpenPlace(options, files, {}, &place));
  std::vector<std::string> lists;
  for (const char* table : {"ads_recall_i2i", "ads_recall_u2u_cf", "ads_trending"}) {
    const Status registered = place.session->RegisterTable(*place.catalog, std::string("ads.") + table);
    if (!registered && registered.error().kind() == ErrorKind::kNotFound) continue;  // the project has no such model
    FEEDMILL_TRY(registered);
    lists.emplace_back(table);
  }
  PrintProgress(0, "gathering parts");
  FEEDMILL_ASSIGN(const domain::DomainPtr domain, domain::LoadDomain(files, options.project + "/domain.toml"));
  const BundleInput input = {WorkFolder(options), options.data + "/bundles", options.cut, lists, domain->Shown()};
  FEEDMILL_ASSIGN(const BuiltBundle built, BuildBundle(files, *place.session, input, PrintProgress));
  FEEDMILL_TRY(place.registry->Add(built.manifest, built.folder));
  return Json{{"bundle", built.manifest.id}, {"metrics", MetricsJson(built.manifest.metrics)}}.dump();
}

}  // namespace feedmill::train
