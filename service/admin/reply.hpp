#pragma once
// Answers in the admin API's shapes. Private to service/admin.

#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "core/base/error.hpp"
#include "service/http/route.hpp"

namespace omni::admin {

using Handler = std::function<void(const http::Request&, http::ResponseWriter&)>;

void sendJson(http::ResponseWriter& writer, int status, const boost::json::value& body);
void sendError(http::ResponseWriter& writer, const Error& error);
// For routes whose documented status is finer than the error table's.
void sendError(http::ResponseWriter& writer, const Error& error, int status);

// Unix ms as "2026-01-31T12:00:00.000Z"; null for 0 and for what is no date.
boost::json::value isoTime(int64_t unix_ms);

// Without a password: lets only callers on this machine through and marks every answer as such.
Handler guarded(Handler handler);

}  // namespace omni::admin
