#include "service/admin/requests.hpp"

#include <fmt/format.h>

#include <atomic>
#include <boost/json.hpp>
#include <charconv>
#include <limits>
#include <memory>
#include <utility>

#include "core/access/limiter.hpp"
#include "core/base/utf8.hpp"
#include "core/json/plain.hpp"
#include "service/admin/answering.hpp"
#include "service/admin/lookup.hpp"

namespace omni::admin {
namespace {

namespace json = boost::json;
using http::Request;
using http::ResponseWriter;

constexpr size_t kLargestPage = 500;
constexpr size_t kMostDays = 400;
constexpr int64_t kDayMs = 86'400'000;
// A watcher keeps a thread of the admin API, which has few.
constexpr int kMaxWatchers = 4;
constexpr std::chrono::milliseconds kWatchSlice(500);

struct Shared {
  RequestDeps deps;
  std::atomic<int> watchers{0};
};

template <typename T>
json::value known(T value) {
  return value < 0 ? json::value(nullptr) : json::value(value);
}

json::object record(const RequestEntry& e) {
  json::error_code code;
  json::value attempts = json::parse(e.attempts, code);
  if (code) attempts = json::array{};
  json::object out{{"id", e.id > 0 ? json::value(e.id) : json::value(nullptr)},
                   {"requestId", e.request_id},
                   {"at", isoTime(e.at_ms)},
                   {"api", e.api},
                   {"model", e.model},
                   {"servedModel", e.served_model},
                   {"connectionId", e.connection_id},
                   {"connectionName", e.connection_name},
                   {"provider", e.provider},
                   {"attempts", std::move(attempts)},
                   {"status", e.status},
                   {"error", e.error.empty() ? json::value(nullptr) : json::value(e.error)},
                   {"streamed", e.streamed},
                   {"firstByteMs", known(e.first_byte_ms)},
                   {"durationMs", e.duration_ms},
                   {"inputTokens", known(e.input_tokens)},
                   {"outputTokens", known(e.output_tokens)},
                   {"cacheReadTokens", known(e.cache_read_tokens)},
                   {"credits", known(e.credits)},
                   {"caller", e.caller}};
  if (!e.trace_id.empty()) out["traceId"] = e.trace_id;
  return out;
}

std::string queryText(const Request& request, const char* key) {
  const auto found = request.query.find(key);
  return found == request.query.end() ? std::string() : found->second;
}

// "200", "4xx", "ok", "failed".
bool readStatus(std::string_view text, RequestFilter& filter) {
  if (text.empty()) return true;
  if (text == "ok") {
    filter.status_to = 399;
    return true;
  }
  if (text == "failed") {
    filter.status_from = 400;
    return true;
  }
  if (text.size() != 3 || text[0] < '1' || text[0] > '5') return false;
  if (text.substr(1) == "xx") {
    filter.status_from = (text[0] - '0') * 100;
    filter.status_to = filter.status_from + 99;
    return true;
  }
  for (const char c : text)
    if (c < '0' || c > '9') return false;
  filter.status_from = filter.status_to = std::stoi(std::string(text));
  return true;
}

void list(Shared& shared, const Request& request, ResponseWriter& writer) {
  if (auto fine = refuseUnknownQuery(
          request, {"limit", "before", "connection", "caller", "model", "status"});
      !fine)
    return sendError(writer, fine.error());
  RequestFilter filter;
  auto limit = queryNumber(request, "limit", 50);
  if (!limit) return sendError(writer, limit.error());
  auto before = queryNumber(request, "before", 0);
  if (!before) return sendError(writer, before.error());
  if (*limit < 1 || *limit > kLargestPage)
    return sendError(writer, makeError(FailureKind::BadRequest,
                                       fmt::format("limit must be 1 to {}.", kLargestPage), "limit")
                                 .error());
  filter.limit = static_cast<int>(*limit);
  filter.before_id = static_cast<int64_t>(*before);
  filter.connection = queryText(request, "connection");
  filter.caller = queryText(request, "caller");
  filter.model = queryText(request, "model");
  if (!readStatus(queryText(request, "status"), filter))
    return sendError(writer, makeError(FailureKind::BadRequest,
                                       "status must be a number such as 429, a class such as 5xx, "
                                       "\"ok\" or \"failed\".",
                                       "status")
                                 .error());
  auto rows = shared.deps.log.requests(filter);
  if (!rows) return sendError(writer, rows.error());
  json::array out;
  for (const RequestEntry& entry : *rows) out.push_back(record(entry));
  const bool full = rows->size() == static_cast<size_t>(filter.limit);
  sendJson(writer, 200,
           json::object{{"requests", std::move(out)},
                        {"nextBefore", full ? json::value(rows->back().id) : json::value(nullptr)},
                        {"contentKept", shared.deps.content_kept}});
}

// By the log's number, or by the id that the client was given (the newest, should it occur twice).
Result<RequestEntry> find(Shared& shared, const std::string& given) {
  RequestFilter by_number{.limit = 1}, by_id{.limit = 1};
  const auto [end, code] = std::from_chars(given.data(), given.data() + given.size(), by_number.id);
  const bool number = code == std::errc() && end == given.data() + given.size() && by_number.id > 0;
  by_id.request_id = given;
  const auto look = [&]() -> Result<std::vector<RequestEntry>> {
    if (number)
      if (auto rows = shared.deps.log.requests(by_number); !rows || !rows->empty()) return rows;
    // An id may be all digits too: one of the service's own in two thousand is.
    return shared.deps.log.requests(by_id);
  };
  auto rows = look();
  if (rows && rows->empty() && shared.deps.written) {  // it may have finished just now
    shared.deps.written();
    rows = look();
  }
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty())
    return makeError(
        FailureKind::NotFound,
        "The log has no request with this id (any more). GET /api/requests lists them.", "id");
  return std::move(rows->front());
}

json::object contentJson(const RequestContent& content) {
  return {{"request", validUtf8(content.request)},
          {"requestBytes", content.request_bytes},
          {"answer", validUtf8(content.answer)},
          {"answerBytes", content.answer_bytes}};
}

void one(Shared& shared, const Request& request, ResponseWriter& writer) {
  auto entry = find(shared, param(request, "id"));
  if (!entry) return sendError(writer, entry.error());
  auto content = shared.deps.log.content(*entry);
  if (!content) return sendError(writer, content.error());
  json::object out = record(*entry);
  out["content"] = *content ? json::value(contentJson(**content)) : json::value(nullptr);
  out["contentKept"] = shared.deps.content_kept;
  writer.setHeader("Cache-Control", "no-store");
  sendJson(writer, 200, out);
}

void clearContent(Shared& shared, const Request& request, ResponseWriter& writer) {
  if (shared.deps.written) shared.deps.written();
  while (true) {
    auto more = shared.deps.log.trimContents(std::numeric_limits<int64_t>::max(), 0);
    if (!more) return sendError(writer, more.error());
    if (!*more) break;
  }
  noteChange(shared.deps.audit, shared.deps.clock, request,
             {.action = "requests.content_cleared",
              .subject = "setting",
              .id = "requests.content",
              .name = "requests.content"});
  sendJson(writer, 200, json::object{{"success", true}, {"contentKept", shared.deps.content_kept}});
}

// Watching ends with the client, or with the service.
void live(Shared& shared, const Request&, ResponseWriter& writer) {
  struct Place {
    explicit Place(std::atomic<int>& given) : count(given), inside(++given <= kMaxWatchers) {}
    ~Place() { --count; }
    std::atomic<int>& count;
    bool inside;
  } place(shared.watchers);
  if (!place.inside) {
    auto error = makeError(FailureKind::RateLimited,
                           fmt::format("{} live views are open already.", kMaxWatchers));
    error.error().retry_after_ms = 5000;
    return sendError(writer, error.error());
  }
  // Before the client can know that the view is open: nothing that follows is missed.
  int64_t next = shared.deps.feed.follow(-1, std::chrono::milliseconds(0)).next;
  writer.setHeader("Cache-Control", "no-cache");
  if (!writer.startStream(200, "text/event-stream") || !writer.write(": live\n\n")) return;
  while (!writer.cancel().cancelled()) {
    RequestFeed::Batch batch = shared.deps.feed.follow(next, kWatchSlice);
    next = batch.next;
    std::string frames;
    for (const RequestEntry& entry : batch.entries)
      frames += fmt::format("event: request\ndata: {}\n\n", omni::json::plainText(record(entry)));
    if (!frames.empty() && !writer.write(frames)) return;
    if (batch.closed) break;
  }
  writer.endStream();
}

void summary(Shared& shared, const Request& request, ResponseWriter& writer) {
  if (auto fine = refuseUnknownQuery(request, {"days"}); !fine)
    return sendError(writer, fine.error());
  auto days = queryNumber(request, "days", 30);
  if (!days) return sendError(writer, days.error());
  if (*days < 1 || *days > kMostDays)
    return sendError(writer, makeError(FailureKind::BadRequest,
                                       fmt::format("days must be 1 to {}.", kMostDays), "days")
                                 .error());
  const std::string first =
      access::dayOf(shared.deps.clock.nowMs() - static_cast<int64_t>(*days - 1) * kDayMs);
  auto rows = shared.deps.log.usageSince(first);
  if (!rows) return sendError(writer, rows.error());
  UsageRow total;
  json::array out;
  for (const UsageRow& row : *rows) {
    total.requests += row.requests;
    total.failures += row.failures;
    total.input_tokens += row.input_tokens;
    total.output_tokens += row.output_tokens;
    total.credits += row.credits;
    out.push_back(json::object{{"day", row.day},
                               {"provider", row.provider},
                               {"connectionId", row.connection_id},
                               {"connectionName", row.connection_name},
                               {"model", row.model},
                               {"caller", row.caller},
                               {"requests", row.requests},
                               {"failures", row.failures},
                               {"inputTokens", row.input_tokens},
                               {"outputTokens", row.output_tokens},
                               {"credits", row.credits}});
  }
  sendJson(writer, 200,
           json::object{{"since", first},
                        {"total", json::object{{"requests", total.requests},
                                               {"failures", total.failures},
                                               {"inputTokens", total.input_tokens},
                                               {"outputTokens", total.output_tokens},
                                               {"credits", total.credits}}},
                        {"rows", std::move(out)}});
}

}  // namespace

void addRequestRoutes(http::RouteTable& table, RequestDeps deps) {
  const auto shared = std::make_shared<Shared>(std::move(deps));
  using Handle = void (*)(Shared&, const Request&, ResponseWriter&);
  const auto add = [&](const char* method, const char* pattern, Handle handle) {
    http::Route route;
    route.method = method;
    route.pattern = pattern;
    route.handler = guarded([shared, handle](const Request& request, ResponseWriter& writer) {
      handle(*shared, request, writer);
    });
    table.push_back(std::move(route));
  };
  add("GET", "/api/requests", list);
  add("GET", "/api/requests/live", live);
  add("GET", "/api/requests/{id}", one);
  add("DELETE", "/api/requests/content", clearContent);
  add("GET", "/api/usage/summary", summary);
}

}  // namespace omni::admin
