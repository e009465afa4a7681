#include "plugins/kiro/control.hpp"

#include <fmt/format.h>

#include <array>

#include "plugins/kiro/account_info.hpp"
#include "plugins/kiro/auth_headers.hpp"
#include "plugins/kiro/import.hpp"
#include "plugins/kiro/isolate.hpp"
#include "plugins/kiro/json.hpp"
#include "plugins/kiro/lent.hpp"
#include "plugins/kiro/local/import_source.hpp"
#include "plugins/kiro/model_list.hpp"
#include "plugins/kiro/probe.hpp"
#include "plugins/kiro/profiles.hpp"
#include "plugins/kiro/refresh.hpp"
#include "plugins/kiro/signin.hpp"
#include "plugins/kiro/usage.hpp"

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
  const auto* rotate = form ? form->if_contains("rotate") : nullptr;
  if (rotate && rotate->is_bool() && rotate->get_bool() && !lentBy(c.call).empty())
    if (auto saved = c.call.commit(noLongerLent()); !saved)
      return std::unexpected(std::move(saved.error()));
  auto token =
      freshAccessToken(c.call, c.endpoints, now ? RefreshWhen::Now : RefreshWhen::NearExpiry);
  if (!token) return std::unexpected(std::move(token.error()));
  // What the sign-in could not find out is tried again at this pace; it is no part of the refresh.
  if (!isApiKey(c.call) && c.call.value("profileArn").value_or("").empty())
    if (auto adopted = adoptProfile(c.call, c.endpoints); !adopted && adopted.error().cancelled)
      return std::unexpected(std::move(adopted.error()));
  return fmt::format(R"({{"expiresAt":{}}})", c.call.value("expiresAt").value_or("0"));
}

// What a scan of this machine found may be named instead of pasted.
sdk::Result<std::string> importForm(const Context& c) {
  auto form = local::formOfSource(c.input);
  if (!form) return std::unexpected(std::move(form.error()));
  return importAccount(c.call, c.endpoints, *form);
}

constexpr std::array kMethods = {
    Entry{"accounts.import", [](const Context& c) { return importForm(c); }},
    Entry{"accounts.scan", [](const Context& c) { return local::scanAccounts(c.call, c.input); }},
    Entry{"accounts.signin.start",
          [](const Context& c) { return startSignIn(c.call, c.endpoints, c.input); }},
    Entry{"accounts.signin.poll", [](const Context& c) { return pollSignIn(c.call, c.endpoints); }},
    Entry{"accounts.signin.finish",
          [](const Context& c) { return finishBrowserSignIn(c.call, c.endpoints, c.input); }},
    Entry{"accounts.refresh", &refreshNow},
    Entry{"accounts.isolate", [](const Context& c) { return isolateAccount(c.call, c.endpoints); }},
    Entry{"accounts.renew",
          [](const Context& c) { return renewRegistration(c.call, c.endpoints); }},
    Entry{"accounts.describe",
          [](const Context& c) { return describeAccount(c.call, c.endpoints); }},
    Entry{"accounts.test",
          [](const Context& c) { return testAccount(c.provider, c.call, c.endpoints, c.input); }},
    Entry{"accounts.usage", [](const Context& c) { return accountUsage(c.call, c.endpoints); }},
    Entry{"accounts.profiles",
          [](const Context& c) { return accountProfiles(c.call, c.endpoints, c.input); }},
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
