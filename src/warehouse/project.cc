#include "warehouse/project.h"

#include <algorithm>
#include <set>

#include "domain/domain.h"
#include "warehouse/audit.h"
#include "warehouse/domain_sql.h"
#include "warehouse/sql_lint.h"
#include "warehouse/sql_text.h"

namespace feedmill::warehouse {
namespace {

constexpr const char* kLayers[] = {"ods", "dwd", "dws", "ads"};

class Loader {
 public:
  Loader(io::FileSystem& files, const std::string& folder, query::Session& session) : files_(files), session_(session) {
    project_.folder = folder;
  }

  Result<Project> Load() {
    FEEDMILL_ASSIGN(domain_, domain::LoadDomain(files_, project_.folder + "/domain.toml"));
    FEEDMILL_TRY(ReadModels());
    for (Model& model : project_.models) CheckSql(model);
    for (const Model& model : project_.models) CheckInputs(model);
    FEEDMILL_TRY(ReadChecks());
    if (errors_.empty()) Order();
    if (errors_.empty()) return std::move(project_);
    std::string text;
    for (const std::string& error : errors_) text += (text.empty() ? "" : "\n") + error;
    return InvalidArgument("{}", text);
  }

 private:
  // Name as messages tell it: relative to the project folder.
  Result<std::vector<std::string>> Listed(const std::string& folder, std::string_view suffix) {
    std::string path = project_.folder + "/" + folder;
    FEEDMILL_ASSIGN(bool exists, files_.Exists(path));
    std::vector<std::string> names;
    if (!exists) return names;
    FEEDMILL_ASSIGN(auto listed, files_.List(path));
    for (const std::string& name : listed) {
      if (name.ends_with(suffix)) names.push_back(fmt::format("{}/{}", folder, name));
    }
    return names;
  }

  Status ReadModels() {
    for (const char* layer : kLayers) {
      FEEDMILL_ASSIGN(auto names, Listed(std::string("warehouse/") + layer, ".sql"));
      for (const std::string& name : names) FEEDMILL_TRY(ReadModel(name));
    }
    if (project_.models.empty() && errors_.empty()) {
      return NotFound("{}/warehouse: no model file; expected *.sql in ods, dwd, dws or ads", project_.folder);
    }
    return Ok();
  }

  Status ReadModel(const std::string& name) {
    FEEDMILL_ASSIGN(std::string text, io::ReadWholeFile(files_, project_.folder + "/" + name));
    auto model = ParseModelFile(name, text);
    if (!model) {
      errors_.push_back(model.error().message());
      return Ok();
    }
    const Model* twin = project_.Find(model->name);
    if (twin != nullptr) {
      errors_.push_back(
          fmt::format("{}:1: model '{}' is also in {}; a name stands for one model", name, model->name, twin->file));
      return Ok();
    }
    project_.models.push_back(std::move(*model));
    return Ok();
  }

  void Say(const Model& model, int line, std::string_view what) {
    errors_.push_back(fmt::format("{}:{}: {}", model.file, line, what));
  }

  void CheckSql(Model& model) {
    if (!HasSql(model)) return;
    auto expanded = ExpandDomain(model.file, model.sql, *domain_);
    if (!expanded) return errors_.push_back(expanded.error().message());
    model.sql = std::move(*expanded);
    Variables variables = IntervalVariables(0, kMicrosPerDay);
    if (std::ranges::any_of(model.reads, [](const InputWindow& input) { return input.last_days > 0; }))
      AddLastDays(0, kMicrosPerDay, &variables);
    auto sql = ReplaceVariables(model.file, model.sql, variables);
    if (!sql) return errors_.push_back(sql.error().message());
    auto tree = session_.ParseSelect(*sql);
    auto tables = session_.ReferencedTables(*sql);
    if (!tree) return errors_.push_back(fmt::format("{}: {}", model.file, tree.error().message()));
    if (!tables) return errors_.push_back(fmt::format("{}: {}", model.file, tables.error().message()));
    for (std::string& finding : LintSql(model.file, *sql, *tree)) errors_.push_back(std::move(finding));
    CheckReads(model, *tables);
  }

  // Every table of the SELECT has a `reads` line, and the other way round.
  void CheckReads(const Model& model, const std::vector<std::string>& tables) {
    for (const std::string& table : tables) {
      auto declared = std::ranges::find(model.reads, table, &InputWindow::table);
      if (declared == model.reads.end())
        Say(model, model.sql_line,
            fmt::format("the SELECT reads '{}', which no 'reads' line of the header names", table));
    }
    for (const InputWindow& input : model.reads) {
      if (std::ranges::find(tables, input.table) == tables.end())
        Say(model, input.line, fmt::format("'reads: {}', which the SELECT does not read", input.table));
      if (input.self != (input.table == model.name))
        Say(model, input.line, "'self' stands with the model's own table and with no other");
      if (input.self && model.columns.empty())
        Say(model, input.line, "a model that reads itself needs 'columns: NAME TYPE, ...' for its first run");
    }
  }

  void CheckInputs(const Model& model) {
    for (const std::string& input : Inputs(model)) {
      if (project_.Find(input) == nullptr)
        Say(model, 1, fmt::format("unknown table '{}'; known: {}", input, KnownTables()));
    }
  }

  std::string KnownTables() const {
    std::string names;
    for (const Model& model : project_.models) names += (names.empty() ? "" : ", ") + model.name;
    return names;
  }

  Status ReadChecks() {
    FEEDMILL_ASSIGN(auto names, Listed("warehouse/checks", ".dqdl"));
    for (const std::string& name : names) {
      size_t begin = name.rfind('/') + 1;
      std::string model = name.substr(begin, name.size() - begin - std::string_view(".dqdl").size());
      FEEDMILL_ASSIGN(std::string text, io::ReadWholeFile(files_, project_.folder + "/" + name));
      auto rules = ParseDqdl(name, text);
      if (!rules) {
        errors_.push_back(rules.error().message());
      } else if (project_.Find(model) == nullptr) {
        errors_.push_back(
            fmt::format("{}:1: checks of '{}', which is no model; known: {}", name, model, KnownTables()));
      } else {
        FindCheckInputs(model, name, *rules);
        CheckHistories(*project_.Find(model), name, *rules);
        project_.checks[model] = {name, std::move(*rules)};
      }
    }
    return Ok();
  }

  void CheckHistories(const Model& model, const std::string& file, const std::vector<Rule>& rules) {
    if (model.materialization == Materialization::kIncremental) return;
    for (const Rule& rule : rules) {
      if (!rule.condition || !rule.condition->history) continue;
      errors_.push_back(fmt::format("{}:{}: rule '{}' compares days; allowed for incremental models, which '{}' is not",
                                    file, rule.line, rule.text, model.name));
    }
  }

  void FindCheckInputs(const std::string& model, const std::string& file, const std::vector<Rule>& rules) {
    for (const Rule& rule : rules) {
      if (rule.kind != RuleKind::kCustomSql) continue;
      auto sql = ReplaceVariables(file, QuotePrimary(rule.subject), IntervalVariables(0, kMicrosPerDay));
      auto tables = sql ? session_.ReferencedTables(*sql) : std::unexpected(sql.error());
      if (!tables) {
        errors_.push_back(fmt::format("{}:{}: {}", file, rule.line, tables.error().message()));
        continue;
      }
      auto& inputs = project_.check_inputs[model];
      for (const std::string& table : *tables) {
        if (table == "primary" || table == model || std::ranges::find(inputs, table) != inputs.end()) continue;
        if (project_.Find(table) == nullptr)
          errors_.push_back(
              fmt::format("{}:{}: unknown table '{}'; known: primary, {}", file, rule.line, table, KnownTables()));
        inputs.push_back(table);
      }
    }
  }

  // Models in an order in which each comes after its inputs; ties by layer and name, as they were read.
  void Order() {
    std::vector<Model> ordered;
    std::set<std::string> placed;
    auto& waiting = project_.models;
    while (!waiting.empty()) {
      auto ready = std::ranges::find_if(waiting, [&](const Model& model) {
        return std::ranges::all_of(Inputs(model), [&](const std::string& input) { return placed.contains(input); });
      });
      if (ready == waiting.end()) {
        for (const Model& model : waiting)
          Say(model, 1,
              fmt::format("'{}' is part of a circle of models that read each other, or reads one that is", model.name));
        return;
      }
      placed.insert(ready->name);
      ordered.push_back(std::move(*ready));
      waiting.erase(ready);
    }
    waiting = std::move(ordered);
  }

  io::FileSystem& files_;
  query::Session& session_;
  domain::DomainPtr domain_;
  Project project_;
  std::vector<std::string> errors_;
};

}  // namespace

const Model* Project::Find(std::string_view name) const {
  auto found = std::ranges::find(models, name, &Model::name);
  return found == models.end() ? nullptr : &*found;
}

Result<Project> LoadProject(io::FileSystem& files, const std::string& folder, query::Session& session) {
  return Loader(files, folder, session).Load();
}

}  // namespace feedmill::warehouse
