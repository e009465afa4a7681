#include "core/routing/quota_book.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include "core/base/milliseconds.hpp"

namespace omni::routing {
namespace {

namespace json = boost::json;

std::optional<double> number(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_number()) return std::nullopt;
  boost::system::error_code code;
  const double out = value->to_number<double>(code);
  return code ? std::nullopt : std::optional(out);
}

bool isTrue(const json::object& object, const char* name, bool otherwise) {
  const auto* value = object.if_contains(name);
  return value && value->is_bool() ? value->get_bool() : otherwise;
}

}  // namespace

std::optional<QuotaReading> parseUsage(std::string_view text, int64_t now_ms) {
  boost::system::error_code failed;
  const auto document = json::parse(text, failed);
  if (failed || !document.is_object()) return std::nullopt;
  const auto& usage = document.get_object();
  QuotaReading out;
  out.taken_ms = now_ms;
  out.unlimited = isTrue(usage, "overage", false);
  const auto soonest = [&](const json::object& object, const char* name) {
    const int64_t ms = wholeMilliseconds(number(object, name).value_or(0)).value_or(0);
    if (ms <= now_ms) return;
    out.resets_at_ms = out.resets_at_ms < 0 ? ms : std::min(out.resets_at_ms, ms);
  };
  double limit = 0;
  bool any = false;
  if (const auto* items = usage.if_contains("items"); items && items->is_array())
    for (const auto& item : items->get_array()) {
      if (!item.is_object()) continue;
      const auto& pool = item.get_object();
      const auto pool_limit = number(pool, "limit");
      const auto* kind = pool.if_contains("kind");
      if (!pool_limit || !isTrue(pool, "active", true) || (kind && *kind == "overage")) continue;
      const double used = number(pool, "used").value_or(0);
      any = true;
      limit += *pool_limit;
      out.used += used;
      if (used >= *pool_limit) continue;
      soonest(pool, "resetAt");
      soonest(pool, "expiresAt");
    }
  if (!any) return std::nullopt;
  out.limit = limit;
  if (out.resets_at_ms < 0) soonest(usage, "resetAt");
  return out;
}

std::optional<QuotaReading> QuotaBook::quota(std::string_view connection_id) const {
  std::lock_guard lock(mutex_);
  const auto found = readings_.find(connection_id);
  return found == readings_.end() ? std::nullopt : std::optional(found->second);
}

bool QuotaBook::received(const std::string& connection_id, std::string_view answer) {
  const auto reading = parseUsage(answer, clock_.nowMs());
  if (!reading) return false;
  std::lock_guard lock(mutex_);
  readings_[connection_id] = *reading;
  return true;
}

void QuotaBook::dropped(const std::string& connection_id) {
  std::lock_guard lock(mutex_);
  readings_.erase(connection_id);
}

}  // namespace omni::routing
