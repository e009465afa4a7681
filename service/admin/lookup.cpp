#include "service/admin/lookup.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>

#include "core/base/ascii.hpp"
#include "service/admin/json_body.hpp"

namespace omni::admin {

namespace json = boost::json;

namespace {

// Out of an address, so it may be any bytes; only what is plausible is shown again.
bool isPlain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

Result<Connection> findConnection(ConnectionStore& store, std::string_view id_or_name) {
  auto by_id = store.get(id_or_name);
  if (by_id || by_id.error().kind != FailureKind::NotFound) return by_id;
  auto all = store.list();
  if (!all) return std::unexpected(std::move(all.error()));
  // As people write it: exactly, else in another case; alone or as provider/name, as lists and
  // combos print it.
  const auto fits = [&](const Connection& connection, bool exactly) {
    const auto same = [&](std::string_view wanted) {
      return exactly ? wanted == id_or_name : equalsIgnoringCase(wanted, id_or_name);
    };
    return same(connection.name) || same(connection.provider + "/" + connection.name);
  };
  Connection* found = nullptr;
  for (const bool exactly : {true, false}) {
    for (Connection& connection : *all) {
      if (!fits(connection, exactly)) continue;
      if (found != nullptr) {
        return makeError(
            FailureKind::Conflict,
            fmt::format("Two accounts are called \"{}\": {} ({}) and {} ({}). Use the id, or "
                        "provider/name.",
                        id_or_name, found->id, found->provider, connection.id, connection.provider),
            "id");
      }
      found = &connection;
    }
    if (found != nullptr) break;
  }
  if (found != nullptr) return std::move(*found);
  return makeError(
      FailureKind::NotFound,
      "Connection not found: no account has this id or name. GET /api/providers lists them.", "id");
}

std::string param(const http::Request& request, const char* name) {
  const auto found = request.params.find(name);
  return found == request.params.end() ? std::string() : found->second;
}

Result<size_t> queryNumber(const http::Request& request, const char* key, size_t fallback) {
  const auto found = request.query.find(key);
  if (found == request.query.end()) return fallback;
  const std::string& text = found->second;
  size_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) {
    return makeError(FailureKind::BadRequest,
                     fmt::format("\"{}\" must be a whole number, 0 or more.", key), key);
  }
  return number;
}

Result<> refuseUnknownQuery(const http::Request& request,
                            std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : request.query) {
    if (key == "_" || key == "t" || std::ranges::find(known, key) != known.end()) continue;
    std::string shown = isPlain(key) ? shownName(key) : "?";
    std::string message = fmt::format("Unknown member \"{}\" in the query. Known here: {}.", shown,
                                      fmt::join(known, ", "));
    return makeError(FailureKind::BadRequest, std::move(message), std::move(shown));
  }
  return {};
}

Result<Provider*> findProvider(ProviderRegistry& providers, std::string_view id) {
  if (Provider* provider = providers.find(id)) return provider;
  return makeError(
      FailureKind::NotFound,
      fmt::format(
          "There is no provider \"{}\". Loaded: {}. GET /api/plugins says why one is missing.",
          isPlain(id) ? shownName(id) : "?", fmt::join(providers.ids(), ", ")),
      "provider");
}

Result<json::object> answerObject(std::string_view text) {
  boost::system::error_code problem;
  json::value value = json::parse(json::string_view(text.data(), text.size()), problem);
  if (problem || !value.is_object()) {
    return makeError(FailureKind::Protocol,
                     "The provider's plugin gave an answer that is no JSON object.");
  }
  return std::move(value.as_object());
}

int64_t numberMember(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return 0;
  boost::system::error_code problem;
  const auto number = value->to_number<int64_t>(problem);
  return problem ? 0 : number;
}

std::string actorOf(const http::Request& request) {
  if (!request.caller.empty()) return request.caller;
  return fmt::format("admin@{}",
                     request.remote_address.empty() ? "unknown" : request.remote_address);
}

}  // namespace omni::admin
