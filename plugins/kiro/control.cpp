#include "plugins/kiro/control.hpp"

#include <fmt/format.h>

#include <array>

#include "plugins/kiro/account_info.hpp"
#include "plugins/kiro/import.hpp"
#include "plugins/kiro/json.hpp"
#include "plugins/kiro/refresh.hpp"

namespace omni::kiro {
namespace {

struct Context {
  sdk::Provider& provider;
  sdk::Call& call;
  const Endpoints& endpoints;
  std::string_view input;
};
using Method = sdk::Result<std::string> (*)(const Context&);
struct Entry {
  std::string_view name;
  Method run;
};

sdk::Result<std::string> refreshNow(const Context& c) {
  const auto form = parseObject(c.input);
  const auto* force = form ? form->if_contains("force") : nullptr;
  const bool now = force && force->is_bool() && force->get_bool();
  auto token =
      freshAccessToken(c.call, c.endpoints, now ? RefreshWhen::Now : RefreshWhen::NearExpiry);
  if (!token) return std::unexpected(std::move(token.error()));
  return fmt::format(R"({{"expiresAt":{}}})", c.call.value("expiresAt").value_or("0"));
}

constexpr std::array kMethods = {
    Entry{"accounts.import",
          [](const Context& c) { return importAccount(c.call, c.endpoints, c.input); }},
    Entry{"accounts.refresh", &refreshNow},
    Entry{"accounts.describe", [](const Context& c) { return describeAccount(c.call); }},
    Entry{"accounts.test", [](const Context& c) { return testAccount(c.call, c.endpoints); }},
    Entry{"accounts.usage", [](const Context& c) { return accountUsage(c.call, c.endpoints); }},
    Entry{"models.list", [](const Context& c) { return listModels(c.call, c.endpoints); }},
};

}  // namespace

sdk::Result<std::optional<std::string>> controlMethod(sdk::Provider& provider, sdk::Call& call,
                                                      const Endpoints& endpoints,
                                                      std::string_view method,
                                                      std::string_view input) {
  for (const Entry& entry : kMethods) {
    if (entry.name != method) continue;
    auto result = entry.run({provider, call, endpoints, input});
    if (!result) return std::unexpected(std::move(result.error()));
    return std::optional(std::move(*result));
  }
  return std::nullopt;
}

}  // namespace omni::kiro
