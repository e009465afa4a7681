#pragma once
// What of a tool's database is of interest, and the accounts in it (kiro-protocol D.1). Pure.

#include <string>
#include <string_view>
#include <vector>

#include "plugins/kiro/local/found.hpp"

namespace omni::kiro::local {

struct Row {
  std::string table;  // auth_kv, state, ItemTable, storage
  std::string key;
  std::string value;  // JSON text
};

// The accounts in the rows of the database `file`, in the order in which the tools prefer them:
// company sign-in, Builder ID or Identity Center, social. A row that is no JSON becomes a problem;
// what the rows do not say stays empty.
void readRows(std::string_view kind, std::string_view file, const std::vector<Row>& rows,
              Listing& into);

}  // namespace omni::kiro::local
