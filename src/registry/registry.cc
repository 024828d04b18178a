#include "registry/registry.h"
#include "registry/forget_bundle.h"

#include <nlohmann/json.hpp>

namespace feedmill::registry {
namespace {

using meta::Row;
using meta::Transaction;
using meta::Value;

constexpr std::string_view kColumns = "id, folder, state, created_at, data_cut, compared_to, metrics, note";

// Where the bundles folder is follows from where the data folder is now; rows of former releases have whole paths.
std::string NameOf(const std::string& folder) { return folder.substr(folder.rfind('/') + 1); }

Result<BundleRow> ToBundle(const Row& row) {
  BundleRow bundle;
  bundle.id = std::get<std::string>(row[0]);
  bundle.folder = NameOf(std::get<std::string>(row[1]));
  bundle.state = std::get<std::string>(row[2]);
  bundle.created_at = std::get<int64_t>(row[3]);
  bundle.data_cut = std::get<int64_t>(row[4]);
  bundle.compared_to = std::get<std::string>(row[5]);
  const auto metrics = nlohmann::json::parse(std::get<std::string>(row[6]), nullptr, false);
  if (!metrics.is_object()) return Corrupt("registry row of bundle {}: its metrics are not a JSON object", bundle.id);
  for (const auto& [name, value] : metrics.items()) bundle.metrics[name] = value.get<double>();
  bundle.note = std::get<std::string>(row[7]);
  return bundle;
}

Result<std::vector<BundleRow>> Select(Transaction& transaction, std::string_view rest,
                                      std::vector<Value> parameters = {}) {
  FEEDMILL_ASSIGN(const auto rows,
                  transaction.Query(fmt::format("SELECT {} FROM registry_bundle {}", kColumns, rest), parameters));
  std::vector<BundleRow> bundles;
  for (const Row& row : rows) {
    FEEDMILL_ASSIGN(BundleRow bundle, ToBundle(row));
    bundles.push_back(std::move(bundle));
  }
  return bundles;
}

Result<std::optional<BundleRow>> SelectLive(Transaction& transaction) {
  FEEDMILL_ASSIGN(auto live, Select(transaction, "WHERE state = 'live'"));
  if (live.empty()) return std::nullopt;
  return std::move(live.front());
}

Result<BundleRow> SelectOne(Transaction& transaction, const std::string& id) {
  FEEDMILL_ASSIGN(auto found, Select(transaction, "WHERE id = ?1", {id}));
  if (!found.empty()) return std::move(found.front());
  FEEDMILL_ASSIGN(const auto all, Select(transaction, "ORDER BY created_at DESC, id LIMIT 10"));
  std::string known;
  for (const BundleRow& bundle : all) known += (known.empty() ? "" : ", ") + bundle.id;
  return NotFound("bundle '{}' is not in the registry; there {}", id, known.empty() ? "is none yet" : "are: " + known);
}

// A statement whose count of changed rows does not matter.
Status Change(Transaction& transaction, std::string_view sql, const std::vector<Value>& values) {
  FEEDMILL_TRY(transaction.Execute(sql, values));
  return Ok();
}

Status SetState(Transaction& transaction, const std::string& id, const std::string& state, const std::string& note) {
  return Change(transaction, "UPDATE registry_bundle SET state = ?2, note = ?3 WHERE id = ?1", {id, state, note});
}

// What was live becomes "former", `id` becomes live.
Status Swap(Transaction& transaction, const std::optional<BundleRow>& live, const std::string& id,
            const std::string& note) {
  if (live) FEEDMILL_TRY(SetState(transaction, live->id, "former", "replaced by " + id));
  return SetState(transaction, id, "live", note);
}

class SqlRegistry final : public Registry {
 public:
  SqlRegistry(meta::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  Result<std::vector<BundleRow>> List() override {
    std::vector<BundleRow> all;
    FEEDMILL_TRY(store_.Read([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(all, Select(transaction, "ORDER BY created_at DESC, id"));
      return Ok();
    }));
    return all;
  }

  Status Add(const BundleManifest& manifest, const std::string& folder) override {
    const std::vector<Value> values = {manifest.id,          NameOf(folder),
                                       manifest.created_at,  manifest.data_cut,
                                       manifest.compared_to, nlohmann::json(manifest.metrics).dump()};
    return store_.Write([&](Transaction& transaction) -> Status {
      return Change(transaction,
                    "INSERT INTO registry_bundle (id, folder, state, created_at, data_cut, compared_to, metrics, note) "
                    "VALUES (?1, ?2, 'candidate', ?3, ?4, ?5, ?6, '') ON CONFLICT (id) DO NOTHING",
                    values);
    });
  }

  Result<Promotion> Promote(const std::string& id, bool force) override {
    Promotion outcome;
    FEEDMILL_TRY(store_.Write([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(const BundleRow candidate, SelectOne(transaction, id));
      FEEDMILL_ASSIGN(const std::optional<BundleRow> live, SelectLive(transaction));
      if (live && live->id == id) {
        outcome = {false, id + " is live already"};
        return Ok();
      }
      outcome = JudgeCandidate(candidate, live ? &*live : nullptr);
      if (!outcome.promoted && !force) return SetState(transaction, id, "refused", outcome.reason);
      if (!outcome.promoted) outcome = {true, "forced although " + outcome.reason};
      FEEDMILL_TRY(Swap(transaction, live, id, outcome.reason));
      return Remember(transaction, id);
    }));
    return outcome;
  }

  Result<Promotion> Rollback() override {
    Promotion outcome;
    FEEDMILL_TRY(store_.Write([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(
          const auto history,
          transaction.Query(
              "SELECT sequence, bundle FROM registry_live WHERE withdrawn = 0 ORDER BY sequence DESC LIMIT 2"));
      if (history.size() < 2) return NotFound("no bundle was live before{}", history.empty() ? "" : " the live one");
      FEEDMILL_TRY(transaction.Execute("UPDATE registry_live SET withdrawn = 1 WHERE sequence = ?1",
                                       std::vector<Value>{history[0][0]}));
      const std::string from = std::get<std::string>(history[0][1]), to = std::get<std::string>(history[1][1]);
      FEEDMILL_TRY(SetState(transaction, from, "former", "rolled back to " + to));
      FEEDMILL_TRY(SetState(transaction, to, "live", "rolled back from " + from));
      outcome = {true, fmt::format("rolled back from {} to {}", from, to)};
      return Ok();
    }));
    return outcome;
  }

  Result<std::optional<BundleRow>> Live() override {
    std::optional<BundleRow> live;
    FEEDMILL_TRY(store_.Read([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(live, SelectLive(transaction));
      return Ok();
    }));
    return live;
  }

 private:
  Status Remember(Transaction& transaction, const std::string& id) {
    return Change(transaction, "INSERT INTO registry_live (bundle, since, withdrawn) VALUES (?1, ?2, 0)",
                  {id, clock_.Now()});
  }

  meta::Store& store_;
  const Clock& clock_;
};

}  // namespace

std::vector<meta::Migration> RegistryMigrations() {
  // The partial index is what "at most one bundle is live" rests on.
  return {{"registry/001_bundles",
           "CREATE TABLE registry_bundle (id TEXT PRIMARY KEY, folder TEXT NOT NULL, state TEXT NOT NULL, created_at "
           "INTEGER NOT NULL, "
           "data_cut INTEGER NOT NULL, compared_to TEXT NOT NULL, metrics TEXT NOT NULL, note TEXT NOT NULL);\n"
           "CREATE UNIQUE INDEX registry_one_live ON registry_bundle (state) WHERE state = 'live';\n"
           "CREATE TABLE registry_live (sequence INTEGER PRIMARY KEY AUTOINCREMENT, bundle TEXT NOT NULL, since "
           "INTEGER NOT NULL, "
           "withdrawn INTEGER NOT NULL);\n"}};
}

Result<std::unique_ptr<Registry>> OpenRegistry(meta::Store& store, const Clock& clock) {
  return std::make_unique<SqlRegistry>(store, clock);
}

Status ForgetBundle(meta::Store& store, const std::string& id) {
  return store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(const BundleRow row, SelectOne(transaction, id));
    if (row.state == "live") return Conflict("bundle {} is live", id);
    FEEDMILL_TRY(Change(transaction, "DELETE FROM registry_live WHERE bundle = ?1", {id}));
    return Change(transaction, "DELETE FROM registry_bundle WHERE id = ?1", {id});
  });
}

}  // namespace feedmill::registry
