#include "train/bundle_builder.h"

#include <algorithm>

#include "query/sql_text.h"
#include "registry/bundle_files.h"
#include "store/candidate_lists.h"
#include "train/work_folder.h"

namespace feedmill::train {
namespace {

constexpr size_t kPieceBytes = 4 << 20;

Status CopyFile(io::FileSystem& files, const std::string& from, const std::string& to) {
  FEEDMILL_ASSIGN(const auto source, files.OpenForRead(from));
  FEEDMILL_ASSIGN(const uint64_t size, source->Size());
  FEEDMILL_ASSIGN(const auto target, files.CreateTruncated(to));
  std::string piece;
  for (uint64_t at = 0; at < size; at += piece.size()) {
    FEEDMILL_TRY(source->ReadAt(at, kPieceBytes, &piece));
    if (piece.empty()) return Io("{}: ends at byte {}, {} expected", from, at, size);
    FEEDMILL_TRY(target->Append(piece));
  }
  FEEDMILL_TRY(target->Sync());
  return target->Close();
}

Status CopyPart(io::FileSystem& files, const std::string& part, const std::string& folder) {
  FEEDMILL_ASSIGN(const std::vector<std::string> names, files.List(part));
  for (const std::string& name : names) {
    if (name == kSummaryFile) continue;
    FEEDMILL_TRY(CopyFile(files, fmt::format("{}/{}", part, name), fmt::format("{}/{}", folder, name)));
  }
  return Ok();
}

// Groups rows (key, id, score), which come by key and best first, into lists.
class ListGrouper {
 public:
  explicit ListGrouper(store::CandidateListsWriter& writer) : writer_(writer) {}

  Status Add(std::string_view key, std::string_view id, float score) {
    if (key != key_) FEEDMILL_TRY(Flush());
    key_ = key;
    ids_.emplace_back(id);
    scores_.push_back(score);
    return Ok();
  }

  Status Flush() {
    if (ids_.empty()) return Ok();
    std::vector<store::ScoredId> list;
    for (size_t i = 0; i < ids_.size(); ++i) list.push_back({ids_[i], scores_[i]});
    const Status added = writer_.Add(key_, list);
    ids_.clear();
    scores_.clear();
    return added;
  }

 private:
  store::CandidateListsWriter& writer_;
  std::string key_;
  std::vector<std::string> ids_;
  std::vector<float> scores_;
};

// Without SQL, a file without lists.
Status WriteLists(io::FileSystem& files, query::Session& session, const std::string& path, std::string_view sql) {
  FEEDMILL_ASSIGN(const auto writer, store::CreateCandidateLists(files, path));
  if (sql.empty()) return writer->Finish();
  ListGrouper grouper(*writer);
  FEEDMILL_TRY(session.Stream(sql, [&](const query::Chunk& chunk) -> Status {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      FEEDMILL_TRY(grouper.Add(chunk.Text(0, row), chunk.Text(1, row), static_cast<float>(chunk.Doubles(2)[row])));
    }
    return Ok();
  }));
  FEEDMILL_TRY(grouper.Flush());
  return writer->Finish();
}

// Key, item and score of a table's rows, by key and place; without a key, one list of all.
std::string ListSql(std::string_view table, std::string_view key, std::string_view item) {
  if (key.empty()) {
    return fmt::format(
        "SELECT 'all', {0}, CAST(MAX(score) AS DOUBLE) FROM {1} GROUP BY {0} ORDER BY MAX(score) DESC, {0}",
        query::QuoteName(item), table);
  }
  return fmt::format("SELECT {0}, {1}, CAST(score AS DOUBLE) FROM {2} ORDER BY {0}, place, {1}", query::QuoteName(key),
                     query::QuoteName(item), table);
}

Status WriteAllLists(io::FileSystem& files, query::Session& session, const std::string& folder,
                     const BundleInput& input) {
  const domain::ItemKind& shown = input.shown;
  struct List {
    const char* file;
    const char* table;
    std::string_view key;
    std::string item;
  };
  const List lists[] = {{registry::kI2iFile, "ads_recall_i2i", shown.id, "similar_" + shown.id},
                        {registry::kU2uFile, "ads_recall_u2u_cf", "user_id", shown.id},
                        {registry::kTrendingFile, "ads_trending", shown.category, shown.id}};
  for (const List& list : lists) {
    const bool has = std::ranges::find(input.tables, list.table) != input.tables.end();
    const std::string sql = has ? ListSql(list.table, list.key, list.item) : "";
    FEEDMILL_TRY(WriteLists(files, session, folder + "/" + list.file, sql));
  }
  return Ok();
}

// Renames the sealed folder to its id, durably. The same bundle built before stays as it is.
Status MoveIntoPlace(io::FileSystem& files, const std::string& from, const BundleInput& input, const std::string& to) {
  FEEDMILL_TRY(files.CreateDirectories(input.bundles_folder));
  FEEDMILL_ASSIGN(const bool exists, files.Exists(to));
  if (exists) return files.RemoveAll(from);
  FEEDMILL_TRY(files.SyncDirectory(from));
  FEEDMILL_TRY(files.Rename(from, to));
  return files.SyncDirectory(input.bundles_folder);
}

}  // namespace

Result<BuiltBundle> BuildBundle(io::FileSystem& files, query::Session& session, const BundleInput& input,
                                const std::function<void(double, std::string_view)>& on_progress) {
  FEEDMILL_ASSIGN(const StepSummary rank, ReadSummary(files, input.work_folder, "rank"));
  FEEDMILL_ASSIGN(const StepSummary als, ReadSummary(files, input.work_folder, "als"));
  const std::string folder = input.work_folder + "/bundle";
  FEEDMILL_TRY(files.RemoveAll(folder));
  FEEDMILL_TRY(files.CreateDirectories(folder));
  FEEDMILL_TRY(CopyPart(files, input.work_folder + "/rank", folder));
  FEEDMILL_TRY(CopyPart(files, input.work_folder + "/als", folder));
  if (on_progress) on_progress(0.2, "candidate lists");
  FEEDMILL_TRY(WriteAllLists(files, session, folder, input));
  if (on_progress) on_progress(0.8, "sealing");
  BuiltBundle built;
  built.manifest.created_at = input.cut;  // not the clock: the same data gives the same bundle
  built.manifest.data_cut = input.cut;
  built.manifest.feature_set_hash = rank.feature_set_hash;
  built.manifest.compared_to = rank.compared_to;
  built.manifest.metrics = rank.metrics;
  built.manifest.metrics.insert(als.metrics.begin(), als.metrics.end());
  built.manifest.action_weights = rank.action_weights;
  built.manifest.calibration = rank.calibration;
  FEEDMILL_TRY(registry::SealBundle(files, folder, &built.manifest));
  built.folder = input.bundles_folder + "/" + built.manifest.id;
  FEEDMILL_TRY(MoveIntoPlace(files, folder, input, built.folder));
  return built;
}

}  // namespace feedmill::train
