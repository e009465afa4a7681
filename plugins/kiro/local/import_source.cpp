#include "plugins/kiro/local/import_source.hpp"

#include "plugins/kiro/json.hpp"
#include "plugins/kiro/local/scan.hpp"

namespace omni::kiro::local {
namespace {

std::unexpected<sdk::Failure> bad(std::string field, std::string message) {
  sdk::Failure failure;
  failure.kind = OMNI_FAILURE_BAD_REQUEST;
  failure.field = std::move(field);
  failure.message = std::move(message);
  return std::unexpected(std::move(failure));
}

}  // namespace

sdk::Result<std::string> scanAccounts(sdk::Call& call, std::string_view input) {
  const auto given = parseObject(input);
  const auto roots = Roots::parse(given && !given->empty() ? input : std::string_view());
  if (!roots) return bad("body", roots.error());
  return json::serialize(listed(scan(*roots), call.host().nowMs()));
}

sdk::Result<std::string> formOfSource(std::string_view input) {
  auto form = parseObject(input);
  if (!form || !form->contains("source")) return std::string(input);
  const json::object* source = object(*form, "source");
  const std::string_view item = source ? text(*source, "item") : std::string_view();
  if (item.empty())
    return bad("source",
               "source must be {\"item\": id}, with the id of an account that the listing shows");
  for (const auto& [name, value] : *source)
    if (name != "item") return bad("source", "source has only the member item");
  auto found = readFound(Roots::own(), item);
  if (!found) return bad("source", std::move(found.error()));
  if (const std::string obstacle = found->obstacle(); !obstacle.empty())
    return bad("source", obstacle);
  form->erase("source");
  (*form)["json"] = revealed(*found);
  if (!form->contains("rotate")) (*form)["rotate"] = false;
  return json::serialize(*form);
}

}  // namespace omni::kiro::local
