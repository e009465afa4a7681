#include "service/admin/local_scan.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <map>
#include <memory>
#include <optional>

#include "core/accounts/new_name.hpp"
#include "core/errors/error_table.hpp"
#include "service/admin/connection_json.hpp"
#include "service/admin/json_body.hpp"
#include "service/admin/lookup.hpp"
#include "service/admin/names.hpp"
#include "service/admin/reply.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

constexpr std::string_view kNothing =
    "Nothing was found. A service runs as a user of its own and cannot read people's homes: run "
    "\"omniroute import\" as the "
    "user whose accounts these are; it looks with that user's rights and sends what you choose "
    "here.";
constexpr size_t kMostItems = 100;

struct Context {
  LocalScanDeps deps;
};

std::string textOf(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  const auto* text = found ? found->if_string() : nullptr;
  return text ? std::string(text->data(), text->size()) : std::string();
}

Result<json::object> found(Provider& provider, const CancelToken& cancel) {
  // A scan belongs to no account; the draft is dropped.
  auto draft = provider.draft({});
  if (!draft) return std::unexpected(std::move(draft.error()));
  auto answer = (*draft)->control("accounts.scan", "{}", cancel);
  if (!answer) {
    if (answer.error().kind == FailureKind::Unsupported)
      return makeError(FailureKind::NotFound,
                       "This provider does not look for accounts on the machine.", "provider");
    return std::unexpected(std::move(answer.error()));
  }
  return answerObject(*answer);
}

// Which of some tokens, by their fingerprints, an account here has: what a caller has found by
// itself on another machine.
Result<json::object> known(Context& context, std::string_view provider, const Request& request) {
  const auto [first, last] = request.query.equal_range("fingerprint");
  json::object here;
  for (auto one = first; one != last; ++one) {
    if (one->second.size() != 64 || here.size() >= kMostItems)
      return makeError(FailureKind::BadRequest,
                       "\"fingerprint\" must be a SHA-256 in hex, at most 100 times.",
                       "fingerprint");
    auto id = context.deps.accounts.findByFingerprint(provider, one->second);
    if (!id) return std::unexpected(std::move(id.error()));
    if (!*id) continue;
    auto account = context.deps.accounts.get(**id);
    if (!account) continue;  // removed meanwhile
    here[one->second] = json::object{{"id", account->id}, {"name", account->name}};
  }
  // The same account by where its tool keeps it: when the tool has a newer token by now.
  json::object lent;
  if (const auto [begin, end] = request.query.equal_range("origin"); begin != end) {
    auto all = context.deps.accounts.list();
    if (!all) return std::unexpected(std::move(all.error()));
    for (auto one = begin; one != end; ++one)
      for (const Connection& account : *all) {
        const auto item = account.values.find("toolItem");
        if (account.provider == provider && item != account.values.end() &&
            item->second == one->second)
          lent[one->second] = json::object{{"id", account.id}, {"name", account.name}};
      }
  }
  return json::object{{"known", std::move(here)},
                      {"lent", std::move(lent)},
                      {"found", json::array{}},
                      {"total", 0},
                      {"problems", json::array{}},
                      {"searched", json::array{}},
                      {"hint", nullptr}};
}

Result<json::object> list(Context& context, const Request& request, const CancelToken& cancel) {
  const std::string id = param(request, "provider");
  auto provider = findProvider(context.deps.providers, id);
  if (!provider) return std::unexpected(std::move(provider.error()));
  if (request.query.contains("fingerprint")) return known(context, id, request);
  auto listing = found(**provider, cancel);
  if (!listing) return listing;
  json::array* items = nullptr;
  if (auto* all = listing->if_contains("found")) items = all->if_array();
  if (!items) return makeError(FailureKind::Protocol, "The plugin's listing has no \"found\".");
  for (json::value& value : *items) {
    json::object* item = value.if_object();
    if (!item) continue;
    json::value there = nullptr;
    const std::string mark = textOf(*item, "fingerprint");
    if (!mark.empty()) {
      auto known = context.deps.accounts.findByFingerprint(id, mark);
      if (!known) return std::unexpected(std::move(known.error()));
      if (*known) there = **known;
    }
    (*item)["importedId"] = std::move(there);
  }
  const size_t count = items->size();  // a new member may move the list
  (*listing)["total"] = count;
  (*listing)["hint"] = count == 0 ? json::value(kNothing) : json::value(nullptr);
  return listing;
}

json::object failed(const std::string& item, const Error& error) {
  json::object shown{{"message", error.message}, {"code", errorRule(error.kind).code}};
  if (!error.field.empty()) shown["field"] = error.field;
  if (!error.conflict_id.empty()) shown["connectionId"] = error.conflict_id;
  return {{"item", item}, {"success", false}, {"error", std::move(shown)}};
}

// The import is in force; a log that cannot be written must not make it look failed.
void note(Context& context, const Request& request, const Connection& made) {
  if (context.deps.audit == nullptr) return;
  AuditEntry entry;
  entry.at_ms = context.deps.clock.nowMs();
  entry.actor = actorOf(request);
  entry.action = "connection.imported";
  entry.subject = "connection";
  entry.subject_id = made.id;
  entry.subject_name = made.provider + "/" + made.name;
  entry.detail = R"({"from":"auto-import"})";
  (void)context.deps.audit->record(entry);
}

json::object importOne(Context& context, const Request& request, Provider& provider,
                       const std::string& item, const std::string& name, bool rotate,
                       const CancelToken& cancel) {
  // A token may be used up by the import; a name that is taken must not cost it.
  if (auto free = nameIsFree(context.deps.accounts, provider.id(), name); !free)
    return failed(item, free.error());
  auto draft = provider.draft({});
  if (!draft) return failed(item, draft.error());
  const std::string form =
      json::serialize(json::object{{"source", {{"item", item}}}, {"rotate", rotate}});
  if (auto done = (*draft)->control("accounts.import", form, cancel); !done)
    return failed(item, done.error());
  auto id = finishAs(**draft, name);
  if (!id) return failed(item, id.error());
  auto made = context.deps.accounts.get(*id);
  if (!made) return failed(item, made.error());
  note(context, request, *made);
  return {{"item", item}, {"success", true}, {"connection", importedConnection(*made)}};
}

struct Wanted {
  std::string item, name;
};

Result<std::vector<Wanted>> wantedOf(const json::object& body) {
  const auto* value = body.if_contains("items");
  const auto* all = value ? value->if_array() : nullptr;
  if (!all || all->empty() || all->size() > kMostItems)
    return makeError(FailureKind::BadRequest,
                     "\"items\" must be a list of 1 to 100 ids, or of {\"id\", \"name\"}, as GET "
                     "at this address shows them.",
                     "items");
  std::vector<Wanted> out;
  for (size_t i = 0; i < all->size(); ++i) {
    const std::string path = fmt::format("items[{}].", i);
    Wanted one;
    if (const auto* text = (*all)[i].if_string()) {
      one.item = {text->data(), text->size()};
    } else if (const auto* object = (*all)[i].if_object()) {
      if (auto known = refuseUnknown(*object, {"id", "name"}, path); !known)
        return std::unexpected(std::move(known.error()));
      auto id = stringMember(*object, "id", path);
      if (!id) return std::unexpected(std::move(id.error()));
      auto name = stringMember(*object, "name", path);
      if (!name) return std::unexpected(std::move(name.error()));
      one = {id->value_or(""), name->value_or("")};
      if (*name)
        if (auto fine = checkName(one.name, path + "name"); !fine)
          return std::unexpected(std::move(fine.error()));
    }
    if (one.item.empty())
      return makeError(FailureKind::BadRequest, fmt::format("\"{}id\" is missing.", path),
                       path + "id");
    out.push_back(std::move(one));
  }
  return out;
}

Result<json::object> import(Context& context, const Request& request, const CancelToken& cancel) {
  auto body = parseObject(request.body);
  if (!body) return std::unexpected(std::move(body.error()));
  if (auto known = refuseUnknown(*body, {"items", "rotate"}); !known)
    return std::unexpected(std::move(known.error()));
  auto rotate = boolMember(*body, "rotate");
  if (!rotate) return std::unexpected(std::move(rotate.error()));
  auto wanted = wantedOf(*body);
  if (!wanted) return std::unexpected(std::move(wanted.error()));
  auto provider = findProvider(context.deps.providers, param(request, "provider"));
  if (!provider) return std::unexpected(std::move(provider.error()));
  json::array results;
  size_t imported = 0;
  for (const Wanted& one : *wanted) {
    if (cancel.cancelled()) return makeError(FailureKind::Cancelled, "The caller is gone.");
    results.push_back(importOne(context, request, **provider, one.item, one.name,
                                rotate->value_or(false), cancel));
    imported += results.back().at("success").as_bool() ? 1 : 0;
  }
  const size_t failures = results.size() - imported;
  return json::object{{"success", failures == 0},
                      {"imported", imported},
                      {"failed", failures},
                      {"results", std::move(results)}};
}

}  // namespace

void addLocalScanRoutes(http::RouteTable& table, LocalScanDeps deps) {
  const auto context = std::make_shared<Context>(Context{deps});
  const auto add = [&](const char* method, auto function) {
    http::Route route;
    route.method = method;
    route.pattern = "/api/oauth/{provider}/auto-import";
    route.needs_json = route.method == "POST";
    route.handler = guarded([context, function](const Request& request, ResponseWriter& writer) {
      auto answer = function(*context, request, writer.cancel());
      if (answer)
        sendJson(writer, 200, *answer);
      else
        sendError(writer, answer.error());
    });
    table.push_back(std::move(route));
  };
  add("GET", &list);
  add("POST", &import);
}

}  // namespace omni::admin
