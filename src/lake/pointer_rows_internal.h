// Rows of the tables that lake keeps in the metadata store: statements and values. For pointer_store.cc and
// run_tables.cc.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "meta/store.h"

namespace feedmill::lake {

inline int64_t Integer(const meta::Value& value) { return std::get<int64_t>(value); }
inline const std::string& Text(const meta::Value& value) { return std::get<std::string>(value); }

inline Status Run(meta::Transaction& transaction, std::string_view sql, std::vector<meta::Value> values) {
  FEEDMILL_TRY(transaction.Execute(sql, values));
  return Ok();
}

}  // namespace feedmill::lake
