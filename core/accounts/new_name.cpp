#include "core/accounts/new_name.hpp"

#include <fmt/format.h>

#include "core/base/ascii.hpp"

namespace omni {

Result<> nameIsFree(ConnectionStore& accounts, std::string_view provider, std::string_view name) {
  if (name.empty()) return {};
  auto all = accounts.list();
  if (!all) return std::unexpected(std::move(all.error()));
  for (const Connection& other : *all) {
    if (other.provider != provider || !equalsIgnoringCase(other.name, name)) continue;
    auto taken =
        makeError(FailureKind::Conflict,
                  fmt::format("The name {} is taken by another connection.", other.name), "name");
    taken.error().conflict_id = other.id;
    return taken;
  }
  return {};
}

Result<std::string> finishAs(AccountDraft& draft, std::string_view name) {
  auto id = draft.finish(name);
  const bool taken = !id && id.error().kind == FailureKind::Conflict && id.error().field == "name";
  return taken && !name.empty() ? draft.finish({}) : id;
}

}  // namespace omni
