#pragma once
// Finds what a request names, and reads what a plugin answers. Private to service/admin.

#include <boost/json/object.hpp>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/ports/provider.hpp"
#include "core/ports/store.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

// What a person or script calls an account: its id, provider/name, or its name when no other
// provider has an account of that name; in any case of the letters. NotFound, Conflict for an
// ambiguous name.
Result<Connection> findConnection(ConnectionStore& store, std::string_view id_or_name);
// NotFound names those that are there.
Result<Provider*> findProvider(ProviderRegistry& providers, std::string_view id);

// A {name} of the route's pattern.
std::string param(const http::Request& request, const char* name);
// A whole number from the query; `fallback` when it is not there. BadRequest.
Result<size_t> queryNumber(const http::Request& request, const char* key, size_t fallback);

// BadRequest for a member of the query that is none of `known`: a filter with a typing error would
// show everything. "_" and "t", by which browsers and scripts get round caches, mean nothing.
Result<> refuseUnknownQuery(const http::Request& request,
                            std::initializer_list<std::string_view> known);

// A plugin's answer; Protocol when it is no JSON object.
Result<boost::json::object> answerObject(std::string_view text);
// 0 when it is not there or no number.
int64_t numberMember(const boost::json::object& object, std::string_view key);

// Who asked, as the audit log names them: "admin@127.0.0.1".
std::string actorOf(const http::Request& request);

}  // namespace omni::admin
