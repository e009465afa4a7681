// What a bundle holds: accounts with their secrets, the proxies that they go through, and combos.

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>

#include "service/admin/lookup.hpp"
#include "service/admin/proxy_json.hpp"
#include "service/admin/transfer_context.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;

constexpr int64_t kContentsVersion = 1;

std::string textMember(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

// The proxy that decides for the account now, wherever it is assigned: in another service nothing
// may be assigned to its provider, and it would go out directly.
Result<json::value> effectiveProxy(TransferContext& context, const Connection& connection,
                                   std::set<std::string>& used) {
  const ProxyChoice choice = context.deps.proxies.explain(connection.provider, connection.id);
  if (!choice.decided_by) return json::value(nullptr);
  if (choice.decided_by->proxy_id == kDirectProxy) return json::value(kDirectProxy);
  if (!choice.route) return std::unexpected(choice.route.error());
  used.insert(choice.decided_by->proxy_id);
  return json::value(choice.decided_by->proxy_id);
}

Result<json::object> accountJson(TransferContext& context, const Connection& connection,
                                 std::set<std::string>& used) {
  json::object values, secrets;
  for (const auto& [key, value] : connection.values) values[key] = value;
  for (const std::string& key : connection.secret_keys) {
    auto secret = context.deps.accounts.value(connection.id, key);
    if (!secret) return std::unexpected(std::move(secret.error()));
    if (*secret) secrets[key] = **secret;
  }
  auto proxy = effectiveProxy(context, connection, used);
  if (!proxy) return std::unexpected(std::move(proxy.error()));
  return json::object{{"id", connection.id},
                      {"provider", connection.provider},
                      {"name", connection.name},
                      {"createdMs", connection.created_ms},
                      {"disabled", connection.state.state == AccountState::Disabled},
                      {"values", std::move(values)},
                      {"secrets", std::move(secrets)},
                      {"proxy", std::move(*proxy)}};
}

// Makes the bundle's proxies known; what each of its ids is here. An id that is missing could not
// be made.
Result<std::map<std::string, std::string>> importProxies(TransferContext& context,
                                                         const json::object& contents) {
  std::map<std::string, std::string> ids;
  const json::value* list = contents.if_contains("proxies");
  if (list == nullptr || !list->is_array()) return ids;
  for (const json::value& item : list->as_array()) {
    const json::object* object = item.if_object();
    if (object == nullptr) continue;
    const std::string id = textMember(*object, "id");
    if (id.empty()) continue;
    if (context.deps.proxies.get(id)) {
      ids[id] = id;
      continue;
    }
    json::object form = *object;
    form.erase("id");
    auto input = parseProxyInput(form);
    if (!input) continue;
    ProxyRecord record;
    record.id = id;
    if (!applyProxyInput(*input, record)) continue;
    for (int number = 2; number < 100; ++number) {
      auto stored = context.deps.proxies.put(record, input->password.value_or(""));
      if (stored) {
        ids[id] = id;
        break;
      }
      if (stored.error().kind != FailureKind::Conflict)
        return std::unexpected(std::move(stored.error()));
      record.name = fmt::format("{}-{}", input->name.value_or(record.host), number);
    }
  }
  return ids;
}

void addValues(const json::object& account, const char* key, bool secret,
               std::vector<ValueChange>& out) {
  const json::value* values = account.if_contains(key);
  if (values == nullptr || !values->is_object()) return;
  for (const auto& member : values->as_object())
    if (member.value().is_string())
      out.push_back({std::string(member.key()), std::string(member.value().as_string()), secret});
}

void importAccount(TransferContext& context, const http::Request& request,
                   const json::object& account, const std::map<std::string, std::string>& proxies,
                   ImportReport& report) {
  Connection connection;
  connection.id = textMember(account, "id");
  connection.provider = textMember(account, "provider");
  connection.name = textMember(account, "name");
  const std::string given = connection.name;
  if (connection.id.empty() || connection.provider.empty() || given.empty())
    return report.refused(given, "The bundle's entry lacks its id, provider or name.");
  if (context.deps.providers.find(connection.provider) == nullptr)
    return report.refused(given, fmt::format("There is no provider {} here: install its plugin.",
                                             connection.provider));
  if (auto existing = context.deps.accounts.get(connection.id))
    return report.skipped(given, existing->id, "This account is here already.");
  std::vector<ValueChange> values;
  addValues(account, "values", false, values);
  addValues(account, "secrets", true, values);
  connection.created_ms = numberMember(account, "createdMs");
  connection.updated_ms = connection.state.since_ms = context.deps.clock.nowMs();
  const json::value* disabled = account.if_contains("disabled");
  if (disabled != nullptr && disabled->is_bool() && disabled->as_bool()) {
    connection.state.state = AccountState::Disabled;
    connection.state.reason = "Disabled by a person.";
  }
  auto name = freeName(context.deps.accounts, connection.provider, given);
  if (!name) return report.refused(given, name.error().message);
  connection.name = std::move(*name);

  // The proxy first: between the two steps the account must not be able to go out directly.
  const std::string proxy = textMember(account, "proxy");
  if (!proxy.empty()) {
    const auto known = proxies.find(proxy);
    if (proxy != kDirectProxy && known == proxies.end())
      return report.refused(given, "The proxy that it goes through could not be made known here.");
    auto assigned =
        context.deps.assigner.assign(connection.id, proxy == kDirectProxy ? proxy : known->second);
    if (!assigned) return report.refused(given, assigned.error().message);
  }
  if (auto stored = context.deps.accounts.create(connection, values); !stored) {
    (void)context.deps.assigner.unassign(connection.id);
    if (stored.error().kind == FailureKind::Conflict && stored.error().field == "fingerprint")
      return report.skipped(given, stored.error().conflict_id,
                            "Another account here has the same token.");
    return report.refused(given, stored.error().message, stored.error().field);
  }
  auditTransfer(context, request, "connection.imported", connection.id,
                connection.provider + "/" + connection.name, {{"from", "bundle"}});
  json::object more{{"isolation", nullptr}};
  for (const ValueChange& change : values)
    if (change.key == "isolation" && change.value) more["isolation"] = *change.value;
  if (connection.name != given) more["renamedFrom"] = given;
  report.imported(connection.name, connection.id, std::move(more));
}

}  // namespace

Result<std::string> bundleContents(TransferContext& context,
                                   const std::optional<std::vector<std::string>>& wanted,
                                   std::vector<Connection>& exported) {
  if (wanted) {
    std::set<std::string> seen;
    for (const std::string& id_or_name : *wanted) {
      auto found = findConnection(context.deps.accounts, id_or_name);
      if (!found) {
        found.error().field = "connections";
        return std::unexpected(std::move(found.error()));
      }
      if (seen.insert(found->id).second) exported.push_back(std::move(*found));
    }
  } else {
    auto all = context.deps.accounts.list();
    if (!all) return std::unexpected(std::move(all.error()));
    exported = std::move(*all);
  }
  if (exported.empty())
    return makeError(FailureKind::BadRequest, "There is no account to export.", "connections");
  std::set<std::string> used;
  json::array accounts, proxies;
  for (const Connection& connection : exported) {
    auto account = accountJson(context, connection, used);
    if (!account) return std::unexpected(std::move(account.error()));
    accounts.push_back(std::move(*account));
  }
  for (const std::string& id : used) {
    auto route = context.deps.proxies.route(id);
    if (!route) return std::unexpected(std::move(route.error()));
    json::object proxy{{"id", id},
                       {"name", route->name},
                       {"type", proxyTypeName(route->scheme)},
                       {"host", route->host},
                       {"port", route->port}};
    if (!route->username.empty()) proxy["username"] = route->username;
    if (!route->password.empty()) proxy["password"] = route->password;
    proxies.push_back(std::move(proxy));
  }
  json::object out{{"version", kContentsVersion},
                   {"createdMs", context.deps.clock.nowMs()},
                   {"connections", std::move(accounts)},
                   {"proxies", std::move(proxies)}};
  // Some accounts of many are for somebody else; a combo of all would not work there.
  if (!wanted) {
    auto combos = bundleCombos(context);
    if (!combos) return std::unexpected(std::move(combos.error()));
    out["combos"] = std::move(*combos);
  }
  return json::serialize(out);
}

Result<json::object> importBundle(TransferContext& context, const http::Request& request,
                                  std::string_view text) {
  boost::system::error_code problem;
  const json::value value = json::parse(text, problem);
  const json::object* contents = problem ? nullptr : value.if_object();
  const json::value* accounts =
      contents == nullptr ? nullptr : contents->if_contains("connections");
  if (accounts == nullptr || !accounts->is_array() ||
      numberMember(*contents, "version") != kContentsVersion)
    return makeError(FailureKind::BadRequest,
                     "The bundle's contents are of an unknown version; a newer OmniRoute may know "
                     "it.",
                     "bundle");
  auto proxies = importProxies(context, *contents);
  if (!proxies) return std::unexpected(std::move(proxies.error()));
  ImportReport report;
  for (const json::value& item : accounts->as_array()) {
    if (const json::object* account = item.if_object())
      importAccount(context, request, *account, *proxies, report);
    else
      report.refused({}, "The bundle's entry is no JSON object.");
  }
  json::object answer = std::move(report).answer();
  answer["combos"] = importCombos(context, *contents);
  if (answer["imported"].to_number<int64_t>() > 0)
    answer["note"] =
        "The session of each imported account is now held here and where the bundle was made. "
        "Remove "
        "it there before both refresh its token, or the later one has to sign in again.";
  return answer;
}

}  // namespace omni::admin
