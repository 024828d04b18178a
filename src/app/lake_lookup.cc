#include "app/lake_lookup.h"

#include <algorithm>
#include <charconv>

#include "base/text_encoding.h"
#include "base/time_text.h"
#include "ingest/event_tables.h"
#include "query/sql_text.h"

namespace feedmill::app {
namespace {

constexpr uint64_t kMemoryBytes = 256ull << 20;
constexpr size_t kTitlesKeptMax = 50'000;
// A request's row enters the log when it is answered: at most so long before or after the instant in its id.
constexpr Micros kEarlierMax = 10 * kMicrosPerMinute;
constexpr Micros kLaterMax = 2 * kMicrosPerHour;
constexpr size_t kTimeDigits = 14;

enum class Form { kText, kTime, kJson, kNumber };
struct Member {
  const char* name;
  const char* column;
  Form form;
  bool left_out_when_null;
};
// As serve writes the document.
constexpr Member kMembers[] = {{"request_id", "request_id", Form::kText, false},
                               {"user_id", "user_id", Form::kText, false},
                               {"scene", "scene", Form::kText, false},
                               {"n", "n", Form::kNumber, false},
                               {"time", "request_time", Form::kTime, false},
                               {"as_of", "as_of", Form::kTime, true},
                               {"applied", "applied", Form::kText, true},
                               {"bundle", "bundle", Form::kText, false},
                               {"experiment", "experiment", Form::kJson, false},
                               {"degraded", "degraded", Form::kJson, false},
                               {"total_ms", "total_ms", Form::kNumber, false},
                               {"funnel", "funnel", Form::kJson, false},
                               {"filtered", "filtered", Form::kJson, false},
                               {"feature_set", "feature_set", Form::kText, true},
                               {"actions", "actions", Form::kJson, true},
                               {"weights", "weights", Form::kJson, true},
                               {"feature_names", "feature_names", Form::kJson, true},
                               {"items", "items", Form::kJson, false},
                               {"sampled", "sampled", Form::kJson, false}};

// The clock's time when the request was answered; nothing when the text is no request id.
std::optional<Micros> TimeOf(const std::string& request_id) {
  uint64_t time = 0;
  if (request_id.size() <= kTimeDigits) return std::nullopt;
  const bool hex = std::ranges::all_of(request_id, [](unsigned char c) { return std::isxdigit(c) != 0; });
  if (!hex) return std::nullopt;
  std::from_chars(request_id.data(), request_id.data() + kTimeDigits, time, 16);
  return static_cast<Micros>(time);
}

void AppendCell(const query::Cell& cell, Form form, std::string* out) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    form == Form::kJson ? (void)out->append(*text) : AppendJsonString(*text, out);
  } else if (const auto* whole = std::get_if<int64_t>(&cell)) {
    form == Form::kTime ? AppendJsonString(FormatTime(*whole), out) : (void)out->append(fmt::format("{}", *whole));
  } else if (const auto* real = std::get_if<double>(&cell)) {
    out->append(fmt::format("{}", *real));
  } else {
    out->append("null");
  }
}

std::string Document(const std::vector<query::Cell>& row) {
  std::string json = "{";
  for (size_t i = 0; i < std::size(kMembers); ++i) {
    if (kMembers[i].left_out_when_null && std::holds_alternative<std::nullptr_t>(row[i])) continue;
    json += fmt::format("{}\"{}\":", json.size() == 1 ? "" : ",", kMembers[i].name);
    AppendCell(row[i], kMembers[i].form, &json);
  }
  return json + "}";
}

std::string Columns() {
  std::string list;
  for (const Member& member : kMembers) list += (list.empty() ? "" : ", ") + std::string(member.column);
  return list;
}

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

bool HasColumn(const Schema& schema, std::string_view name) {
  return std::ranges::any_of(schema, [&](const Column& column) { return column.name == name; });
}

}  // namespace

Result<std::unique_ptr<LakeLookup>> LakeLookup::Open(lake::Catalog& catalog, domain::ItemKind shown,
                                                     const std::string& temporary_folder) {
  query::EngineOptions options;
  options.temporary_directory = temporary_folder;
  options.memory_bytes_max = kMemoryBytes;
  options.threads = 1;
  FEEDMILL_ASSIGN(auto engine, query::OpenEngine(options));
  FEEDMILL_ASSIGN(auto session, engine->NewSession());
  return std::unique_ptr<LakeLookup>(new LakeLookup(catalog, std::move(shown), std::move(engine), std::move(session)));
}

Result<std::string> LakeLookup::FeedRow(const std::string& request_id) {
  const std::optional<Micros> time = TimeOf(request_id);
  if (!time) return std::string();
  const MutexLock lock(mutex_);
  const std::string table(ingest::kFeedRequestTable);
  const Status registered =
      session_->RegisterTable(catalog_, table, {{"received_time", *time - kEarlierMax, *time + kLaterMax}});
  if (!registered && registered.error().kind() == ErrorKind::kNotFound) return std::string();
  FEEDMILL_TRY(registered);
  FEEDMILL_ASSIGN(const query::Rows rows,
                  session_->Query(fmt::format("SELECT {} FROM ods_feed_request WHERE request_id = {} LIMIT 1",
                                              Columns(), Quoted(request_id))));
  return rows.rows.empty() ? std::string() : Document(rows.rows[0]);
}

Status LakeLookup::ReadTitles(const std::vector<console::DatedPost>& posts) {
  const std::string table(ingest::kEventTable);
  const auto description = catalog_.Load(table);
  if (!description && description.error().kind() == ErrorKind::kNotFound) return Ok();
  if (!description) return std::unexpected(description.error());
  if (!HasColumn(description->schema, shown_.title) || !HasColumn(description->schema, shown_.id)) return Ok();
  const auto [oldest, newest] = std::ranges::minmax(posts, {}, &console::DatedPost::created_at);
  FEEDMILL_TRY(session_->RegisterTable(catalog_, table, {{"event_time", oldest.created_at, newest.created_at + 1}}));
  std::string ids;
  for (const console::DatedPost& post : posts) ids += (ids.empty() ? "" : ", ") + Quoted(post.id);
  FEEDMILL_ASSIGN(const query::Rows rows,
                  session_->Query(fmt::format(
                      "SELECT {0}, max({1}) FROM ods_event WHERE {1} IS NOT NULL AND {0} IN ({2}) GROUP BY {0}",
                      query::QuoteName(shown_.id), query::QuoteName(shown_.title), ids)));
  for (const auto& row : rows.rows) titles_[std::get<std::string>(row[0])] = std::get<std::string>(row[1]);
  return Ok();
}

Result<std::map<std::string, std::string>> LakeLookup::Titles(const std::vector<console::DatedPost>& posts) {
  const MutexLock lock(mutex_);
  if (titles_.size() > kTitlesKeptMax) titles_.clear();
  std::vector<console::DatedPost> unknown;
  for (const console::DatedPost& post : posts) {
    if (!titles_.contains(post.id)) unknown.push_back(post);
  }
  if (!unknown.empty()) FEEDMILL_TRY(ReadTitles(unknown));
  std::map<std::string, std::string> found;
  for (const console::DatedPost& post : posts) {
    const auto title = titles_.find(post.id);
    if (title != titles_.end() && !title->second.empty()) found[post.id] = title->second;
  }
  return found;
}

}  // namespace feedmill::app
