#include <algorithm>
#include <limits>

#include <fmt/ranges.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/time_text.h"
#include "features/body_codec.h"
#include "features/checkpoint_file.h"
#include "features/replay.h"
#include "features/replay_days_internal.h"
#include "features/replay_input_internal.h"
#include "query/sql_text.h"

namespace feedmill::features {
namespace {

constexpr std::string_view kKind = "DAYSUM02";
constexpr const char* kFile = "/days.ckpt";

// Files of one day. A table that is not partitioned by day has one group, which no ledger keeps.
struct DayFiles {
  Sha256 names;
  std::vector<lake::DataFile> files;
};
constexpr int64_t kNoDay = std::numeric_limits<int64_t>::min();

int64_t DayOfFile(const lake::DataFile& file) {
  return file.partition.size() == 1 && file.partition[0] ? *file.partition[0] : kNoDay;
}

// The first eight bytes of the hash.
uint64_t Shortened(Sha256* hash) { return std::stoull(hash->FinishHex().substr(0, 16), nullptr, 16); }

std::string ViewOf(const std::string& table) { return table.substr(table.find('.') + 1); }

// What the rows of a day amount to, by those columns: a late impression or outcome changes it. A column that the table
// does not have yet amounts to 0.
Result<std::vector<std::string>> Sums(lake::Catalog& catalog, const std::string& table,
                                      const std::vector<std::string>& columns) {
  Schema schema;
  if (const auto described = catalog.Load(table)) {
    schema = described->schema;
  } else if (described.error().kind() != ErrorKind::kNotFound) {
    return std::unexpected(described.error());
  }
  std::vector<std::string> values = {"COUNT(*)"};
  for (const std::string& column : columns) {
    const bool known = std::ranges::find(schema, column, &Column::name) != schema.end();
    values.push_back(known ? fmt::format("CAST(COALESCE(SUM({}), 0) AS BIGINT)", query::QuoteName(column))
                           : "CAST(0 AS BIGINT)");
  }
  return values;
}

}  // namespace

DayLedger DayLedger::Load(io::FileSystem& files, const std::string& folder) {
  DayLedger ledger;
  const auto read = [&]() -> Status {
    FEEDMILL_ASSIGN(const CheckpointFile file, OpenCheckpointFile(files, folder + kFile, kKind));
    BodyReader body(file.body);
    uint32_t tables = 0;
    FEEDMILL_TRY(body.Get(&tables));
    for (uint32_t i = 0; i < tables; ++i) {
      std::string_view table;
      std::vector<DayFacts> days;
      FEEDMILL_TRY(body.GetText(&table));
      FEEDMILL_TRY(body.GetArray(&days));
      for (const DayFacts& day : days) ledger.known_[std::string(table)][day.day] = day;
    }
    return body.End();
  };
  const Status done = read();
  if (done) return ledger;
  if (done.error().kind() != ErrorKind::kNotFound)
    log::Info("the ledger of days is passed over; all days are read again", {{"why", done.error().ToString()}});
  return {};
}

Status DayLedger::Save(io::FileSystem& files, const std::string& folder) const {
  FEEDMILL_TRY(files.CreateDirectories(folder));
  FEEDMILL_ASSIGN(auto file, CheckpointFileWriter::Create(files, folder + kFile, kKind));
  BodyWriter body([&file](std::string_view bytes) { file.Append(bytes); });
  body.Put(static_cast<uint32_t>(known_.size()));
  for (const auto& [table, days] : known_) {
    body.PutText(table);
    std::vector<DayFacts> facts;
    for (const auto& [day, known] : days) facts.push_back(known);
    body.PutArray(facts);
  }
  return file.Finish();
}

Result<SampleShares> SampleShares::Load(lake::Catalog& catalog, Micros end, int64_t day_samples_max) {
  SampleShares shares;
  if (day_samples_max == 0) return shares;
  FEEDMILL_ASSIGN(const lake::ScanPlan plan, catalog.PlanScan(kImpressionTable, {{"event_time", std::nullopt, end}}));
  std::map<int64_t, int64_t> rows;
  for (const lake::DataFile& file : plan.files) rows[DayOfFile(file)] += file.record_count;
  if (rows.contains(kNoDay)) return shares;  // nobody knows how many a day has
  for (const auto& [day, count] : rows) {
    int64_t one_of = 1;
    while (count / one_of > day_samples_max) one_of *= 2;
    if (one_of > 1) shares.one_of_[day] = one_of;
  }
  return shares;
}

std::string SampleShares::Where(int64_t day) const {
  const auto found = one_of_.find(day);
  if (found == one_of_.end()) return "";
  return fmt::format(" AND hash(COALESCE(request_id, event_id)) % CAST({} AS UBIGINT) = 0", found->second);
}

Status DayLedger::Ask(query::Session& session, const Question& question, const lake::ScanPlan& plan,
                      const std::string& where, Micros end, Days* days) {
  FEEDMILL_TRY(session.RegisterFiles(ViewOf(question.table), plan));
  const std::string sql = fmt::format(
      "SELECT CAST(CAST(event_time AS DATE) - DATE '1970-01-01' AS BIGINT) AS day, {} FROM {} WHERE event_time < {}{} "
      "GROUP BY 1 ORDER BY 1",
      fmt::join(question.values, ", "), ViewOf(question.table), Literal(end), where);
  return session.Stream(sql, [&](const query::Chunk& chunk) {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      DayFacts& facts = (*days)[chunk.Longs(0)[row]];
      facts.day = chunk.Longs(0)[row];
      for (size_t i = 0; i < question.values.size(); ++i) facts.values[i] = chunk.Longs(1 + i)[row];
    }
    return Ok();
  });
}

Result<DayLedger::Days> DayLedger::Read(query::Session& session, lake::Catalog& catalog, const Question& question,
                                        Micros end) {
  FEEDMILL_ASSIGN(lake::ScanPlan plan, catalog.PlanScan(question.table, {{"event_time", std::nullopt, end}}));
  std::map<int64_t, DayFiles> groups;
  for (lake::DataFile& file : plan.files) {
    DayFiles& group = groups[DayOfFile(file)];
    group.names.Update(file.path + "\n");
    group.files.push_back(std::move(file));
  }
  const bool may_know = plan.position_delete_files.empty() && !groups.contains(kNoDay);
  Days& known = known_[question.table];
  Days days;
  std::map<std::string, std::vector<lake::DataFile>> unknown;  // by what is asked of them
  for (auto& [day, group] : groups) {
    const std::string where = question.where(day);
    group.names.Update(fmt::format("{}{}", fmt::join(question.values, ", "), where));
    const uint64_t made_of = Shortened(&group.names);
    const auto found = known.find(day);
    if (may_know && found != known.end() && found->second.made_of == made_of) {
      days[day] = found->second;
      continue;
    }
    // A day that turns out to have no such rows is known then too.
    if (may_know) days[day] = DayFacts{.day = day, .made_of = made_of, .values = {}};
    ++days_read_;
    std::ranges::move(group.files, std::back_inserter(unknown[where]));
  }
  for (auto& [where, files] : unknown) {
    plan.files = std::move(files);
    FEEDMILL_TRY(Ask(session, question, plan, where, end, &days));
  }
  known = may_know ? days : Days{};
  return days;
}

Result<std::vector<DayDigest>> DayLedger::ReadActions(query::Session& session, lake::Catalog& catalog,
                                                      const domain::Domain& domain, Micros end) {
  const domain::ItemKind& shown = domain.Shown();
  std::string columns = fmt::format("event_id, event_name, event_time, user_key, {}, author_key", shown.Key());
  if (!shown.category.empty()) columns += ", " + shown.category;
  for (const std::string& property : PropertiesOf(domain)) columns += ", " + query::QuoteName(property);
  const Question question = {kActionTable,
                             {"COUNT(*)", fmt::format("CAST((bit_xor(hash({})) >> 1) AS BIGINT)", columns)},
                             [&](int64_t) { return fmt::format(" AND event_name IN ({})", CountedEvents(domain)); }};
  FEEDMILL_ASSIGN(const Days days, Read(session, catalog, question, end));
  std::vector<DayDigest> digests;
  for (const auto& [day, facts] : days) {
    if (facts.values[0] > 0) digests.push_back({day, facts.values[0], facts.values[1]});
  }
  return digests;
}

Result<SampleDays> DayLedger::FindStaleSamples(query::Session& session, lake::Catalog& catalog,
                                               const domain::Domain& domain, const SampleShares& shares, Micros end) {
  std::vector<std::string> labels, actions;
  for (const domain::Action* action : domain.Labelled()) {
    labels.push_back(action->label);
    actions.push_back(action->name);
  }
  const auto where = [&](int64_t day) { return shares.Where(day); };
  Question asked_shown = {kImpressionTable, {}, where}, asked_sampled = {std::string(kSampleTable), {}, where};
  FEEDMILL_ASSIGN(asked_shown.values, Sums(catalog, asked_shown.table, labels));
  FEEDMILL_ASSIGN(asked_sampled.values, Sums(catalog, asked_sampled.table, actions));
  FEEDMILL_ASSIGN(const Days shown, Read(session, catalog, asked_shown, end));
  auto sampled = Read(session, catalog, asked_sampled, end);
  if (!sampled && sampled.error().kind() != ErrorKind::kNotFound) return std::unexpected(sampled.error());
  SampleDays found{end - kMicrosPerDay, end - kMicrosPerDay};
  bool any_shown = false;
  for (const auto& [day, facts] : shown) {
    if (facts.values[0] == 0) continue;
    if (!any_shown) found.first_shown = day * kMicrosPerDay;
    any_shown = true;
    const bool fresh = sampled && sampled->contains(day) && sampled->at(day).values == facts.values;
    if (fresh) continue;
    found.first_stale = day * kMicrosPerDay;
    break;
  }
  return found;
}

}  // namespace feedmill::features
