#include "service/admin/keys.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <memory>

#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/names.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

json::object spentJson(const access::Spent& spent) {
  return {{"requests", spent.requests}, {"tokens", spent.tokens}, {"credits", spent.credits}};
}

json::object record(const KeyDeps& deps, const ApiKey& key) {
  json::object out{{"id", key.id},
                   {"name", key.name},
                   {"key", key.shown},
                   {"isActive", key.enabled},
                   {"createdAt", isoTime(key.created_ms)},
                   {"expiresAt", isoTime(key.expires_ms)},
                   {"expired", key.expires_ms > 0 && key.expires_ms <= deps.clock.nowMs()},
                   {"lastUsedAt", isoTime(key.last_used_ms)}};
  for (auto& member : access::policyJson(key.policy)) out[member.key()] = member.value();
  const access::KeyUse use = deps.keys.use(key.id);
  out["usage"] = json::object{{"today", spentJson(use.today)},
                              {"thisMonth", spentJson(use.this_month)},
                              {"running", use.running}};
  return out;
}

// What the key may use and nobody answers to: no error, because accounts and combos may come later,
// but most likely a typing error.
json::array warnings(const KeyDeps& deps, const ApiKey& key) {
  json::array out;
  if (!deps.answers) return out;
  const auto look = [&](std::string_view field, const std::vector<std::string>& names,
                        bool is_combo) {
    for (size_t i = 0; i < names.size(); ++i) {
      if (deps.answers(names[i], is_combo)) continue;
      const std::string shown = shownName(names[i]);
      std::string message =
          is_combo ? fmt::format("No combo \"{}\" is there at present.", shown)
          : deps.answers(names[i], true)
              ? fmt::format(
                    "Only combos answer to \"{}\": name it in \"combos\", a list of "
                    "models does not open them.",
                    shown)
              : fmt::format("No account, provider or model answers to \"{}\" at present.", shown);
      out.push_back(json::object{{"field", fmt::format("{}[{}]", field, i)},
                                 {"name", names[i]},
                                 {"message", std::move(message)}});
    }
  };
  look("models", key.policy.models, false);
  look("combos", key.policy.combos, true);
  return out;
}

// "2026-12-31T23:59:59Z", with or without milliseconds; or Unix ms. 0: null.
Result<int64_t> readTime(const json::value& value, std::string_view field) {
  const auto bad = [&] {
    return makeError(
        FailureKind::BadRequest,
        fmt::format("{} must be a time such as \"2026-12-31T23:59:59Z\", or null.", field),
        std::string(field));
  };
  if (value.is_null()) return 0;
  if (value.is_int64() && value.get_int64() > 0) return value.get_int64();
  if (!value.is_string()) return bad();
  const std::string text(value.get_string());
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, end = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
                  &second, &end) != 6)
    return bad();
  std::string_view rest = std::string_view(text).substr(static_cast<size_t>(end));
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') rest.remove_prefix(1);
  }
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (rest != "Z" || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 59)
    return bad();
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((static_cast<int64_t>(days) * 24 + hour) * 60 + minute) * 60 + second) * 1000;
}

struct Form {
  access::KeyChange change;
  json::object policy;
};

// Takes the members that are not the policy's out of the body.
Result<Form> readForm(const KeyDeps& deps, const Request& request) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  Form form;
  auto name = stringMember(*body, "name");
  if (!name) return std::unexpected(std::move(name.error()));
  if (*name) {
    if (auto fine = checkName(**name, "name"); !fine)
      return std::unexpected(std::move(fine.error()));
    form.change.name = std::move(**name);
  }
  auto active = boolMember(*body, "isActive");
  if (!active) return std::unexpected(std::move(active.error()));
  form.change.enabled = *active;
  if (const auto* expires = body->if_contains("expiresAt")) {
    auto at = readTime(*expires, "expiresAt");
    if (!at) return std::unexpected(std::move(at.error()));
    if (*at > 0 && *at <= deps.clock.nowMs())
      return makeError(FailureKind::BadRequest, "expiresAt must lie in the future.", "expiresAt");
    form.change.expires_ms = *at;
  }
  for (const char* own : {"name", "isActive", "expiresAt"}) body->erase(own);
  form.policy = std::move(*body);
  return form;
}

void note(const KeyDeps& deps, std::string_view action, const ApiKey& key, const Request& request) {
  if (deps.audit) deps.audit(action, key, actorOf(request));
}

void listKeys(KeyDeps& deps, const Request&, ResponseWriter& writer) {
  json::array out;
  for (const ApiKey& key : deps.keys.list()) out.push_back(record(deps, key));
  sendJson(writer, 200, json::object{{"keys", std::move(out)}});
}

void createKey(KeyDeps& deps, const Request& request, ResponseWriter& writer) {
  auto form = readForm(deps, request);
  if (!form) return sendError(writer, form.error());
  if (!form->change.name)
    return sendError(writer,
                     makeError(FailureKind::BadRequest,
                               "name is missing: what the key is for, e.g. \"laptop\".", "name")
                         .error());
  if (form->change.enabled)
    return sendError(
        writer,
        makeError(FailureKind::BadRequest, "A new key is always active.", "isActive").error());
  auto policy = access::parsePolicy(form->policy);
  if (!policy) return sendError(writer, policy.error());
  auto made = deps.keys.create({.name = std::move(*form->change.name),
                                .policy = std::move(*policy),
                                .expires_ms = form->change.expires_ms.value_or(0)});
  if (!made) return sendError(writer, made.error());
  note(deps, "key.created", made->key, request);
  json::object out = record(deps, made->key);
  out["secret"] = made->secret;
  out["warnings"] = warnings(deps, made->key);
  sendJson(writer, 201, out);
}

void showKey(KeyDeps& deps, const Request& request, ResponseWriter& writer) {
  auto key = deps.keys.find(param(request, "id"));
  if (!key) return sendError(writer, key.error());
  sendJson(writer, 200, record(deps, *key));
}

void changeKey(KeyDeps& deps, const Request& request, ResponseWriter& writer) {
  auto form = readForm(deps, request);
  if (!form) return sendError(writer, form.error());
  auto old = deps.keys.find(param(request, "id"));
  if (!old) return sendError(writer, old.error());
  if (!form->policy.empty()) {
    auto policy = access::parsePolicy(form->policy, old->policy);
    if (!policy) return sendError(writer, policy.error());
    form->change.policy = std::move(*policy);
  }
  auto key = deps.keys.change(old->id, form->change);
  if (!key) return sendError(writer, key.error());
  note(deps, "key.changed", *key, request);
  json::object out = record(deps, *key);
  out["warnings"] = warnings(deps, *key);
  sendJson(writer, 200, out);
}

void removeKey(KeyDeps& deps, const Request& request, ResponseWriter& writer) {
  auto key = deps.keys.find(param(request, "id"));
  if (!key) return sendError(writer, key.error());
  if (auto gone = deps.keys.remove(key->id); !gone) return sendError(writer, gone.error());
  note(deps, "key.removed", *key, request);
  sendJson(writer, 200, json::object{{"deleted", key->id}});
}

}  // namespace

void addKeyRoutes(http::RouteTable& table, KeyDeps deps) {
  const auto shared = std::make_shared<KeyDeps>(std::move(deps));
  using Handle = void (*)(KeyDeps&, const Request&, ResponseWriter&);
  const auto add = [&](const char* method, const char* pattern, bool needs_json, Handle handle) {
    http::Route route;
    route.method = method;
    route.pattern = pattern;
    route.needs_json = needs_json;
    route.handler = guarded([shared, handle](const Request& request, ResponseWriter& writer) {
      handle(*shared, request, writer);
    });
    table.push_back(std::move(route));
  };
  add("GET", "/api/keys", false, listKeys);
  add("POST", "/api/keys", true, createKey);
  add("GET", "/api/keys/{id}", false, showKey);
  add("PATCH", "/api/keys/{id}", true, changeKey);
  add("DELETE", "/api/keys/{id}", false, removeKey);
}

}  // namespace omni::admin
