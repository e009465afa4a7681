#include "service/admin/reply.hpp"

#include <fmt/format.h>

#include <boost/json/value.hpp>
#include <chrono>

#include "core/errors/error_table.hpp"
#include "core/json/plain.hpp"

namespace omni::admin {
namespace {

constexpr int64_t kYear10000Ms = 253402300800000;

void sendBody(http::ResponseWriter& writer, int status, std::string body) {
  writer.setHeader("cache-control", "no-store");
  body += '\n';
  writer.json(status, body);
}

}  // namespace

void sendJson(http::ResponseWriter& writer, int status, const boost::json::value& body) {
  sendBody(writer, status, json::plainText(body));
}

void sendError(http::ResponseWriter& writer, const Error& error) {
  sendError(writer, error, httpStatus(error));
}

void sendError(http::ResponseWriter& writer, const Error& error, int status) {
  if (error.retry_after_ms >= 0) {
    // Rounded up: a client that comes back too early is refused again.
    writer.setHeader("retry-after", std::to_string((error.retry_after_ms + 999) / 1000));
  }
  std::string body = adminErrorBody(error);
  // Scripts written for OmniRoute look for this member.
  if (error.kind == FailureKind::ReauthRequired) body.insert(1, "\"requiresReauth\":true,");
  sendBody(writer, status, std::move(body));
}

boost::json::value isoTime(int64_t unix_ms) {
  if (unix_ms <= 0 || unix_ms >= kYear10000Ms) return nullptr;
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(unix_ms)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return boost::json::value(fmt::format(
      "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
      clock.minutes().count(), clock.seconds().count(), clock.subseconds().count()));
}

Handler guarded(Handler handler) {
  return
      [handler = std::move(handler)](const http::Request& request, http::ResponseWriter& writer) {
        // Whoever has logged in or brought a key was let in by name.
        const bool by_name = !request.caller.empty();
        if (!by_name) writer.setHeader("x-omniroute-admin", "open-on-loopback");
        if (!by_name && !request.loopback) {
          Error error;
          error.kind = FailureKind::Forbidden;
          error.reason = "local_only";
          error.message =
              "There is no admin password yet, so only callers on the machine of the service may "
              "administer it. Call http://127.0.0.1 there, for instance through an SSH tunnel.";
          sendError(writer, error);
          return;
        }
        handler(request, writer);
      };
}

}  // namespace omni::admin
