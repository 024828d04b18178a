// All model files and checks of a project folder, read, checked against each other and put in order.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/file_system.h"
#include "query/engine.h"
#include "warehouse/dqdl.h"
#include "warehouse/model_file.h"

namespace feedmill::warehouse {

struct CheckFile {
  std::string file;
  std::vector<Rule> rules;
};

struct Project {
  std::string folder;
  std::vector<Model> models;                // each after what it reads
  std::map<std::string, CheckFile> checks;  // by model
  std::map<std::string, std::vector<std::string>>
      check_inputs;  // by model: tables its CustomSql rules read, the model left out

  const Model* Find(std::string_view name) const;
};

// Reads `<folder>/warehouse/{ods,dwd,dws,ads}/*.sql` and `<folder>/warehouse/checks/*.dqdl`. One error lists everything
// that is wrong, a line each, `file:line: ...`: header errors, two models of one name, SQL that does not parse or
// breaks a rule of sql_lint.h, tables that no model names, `reads` lines that do not fit the SELECT, cycles, checks of
// no model. `session` only parses.
Result<Project> LoadProject(io::FileSystem& files, const std::string& folder, query::Session& session);

}  // namespace feedmill::warehouse
