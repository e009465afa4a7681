#include "service/storage/request_log_store.hpp"

#include <Poco/Data/Statement.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "core/access/limiter.hpp"

namespace omni::storage {
namespace {

using Poco::Data::Session;
using Poco::Data::Statement;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::limit;
using Poco::Data::Keywords::now;
using Poco::Data::Keywords::use;

constexpr int kTrimRows = 2000;
constexpr int kFailed = 400;

// SQLite's text functions stop at a NUL; a client's text must not cut a row.
std::string clean(std::string text) {
  std::erase(text, '\0');
  return text;
}

// One statement for the whole batch: preparing it costs far more than a row.
void insertAll(Session& session, const std::vector<RequestEntry>& entries) {
  RequestEntry e;
  int streamed = 0;
  Poco::Int64 at = 0, first = 0, duration = 0, input = 0, output = 0, cached = 0;
  Statement insert(session);
  insert << "INSERT INTO requests(request_id, trace_id, at_ms, api, model, served_model,"
            " connection_id, connection_name, provider, attempts, status, error, streamed,"
            " first_byte_ms, duration_ms, input_tokens, output_tokens, cache_read_tokens, credits,"
            " caller) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      use(e.request_id), use(e.trace_id), use(at), use(e.api), use(e.model), use(e.served_model),
      use(e.connection_id), use(e.connection_name), use(e.provider), use(e.attempts), use(e.status),
      use(e.error), use(streamed), use(first), use(duration), use(input), use(output), use(cached),
      use(e.credits), use(e.caller);
  for (const RequestEntry& entry : entries) {
    e = entry;
    for (std::string* text : {&e.request_id, &e.trace_id, &e.model, &e.served_model,
                              &e.connection_name, &e.attempts, &e.error, &e.caller})
      std::erase(*text, '\0');
    at = e.at_ms;
    streamed = e.streamed ? 1 : 0;
    first = e.first_byte_ms;
    duration = e.duration_ms;
    input = e.input_tokens;
    output = e.output_tokens;
    cached = e.cache_read_tokens;
    insert.execute();
  }
}

struct DaySum {
  std::string provider;
  std::string connection_name;  // the newest
  Poco::Int64 requests = 0, failures = 0, input = 0, output = 0;
  double credits = 0;
};
// day, connection, model, caller
using DaySums = std::map<std::tuple<std::string, std::string, std::string, std::string>, DaySum>;

DaySums sumsOf(const std::vector<RequestEntry>& entries) {
  DaySums sums;
  for (const RequestEntry& e : entries) {
    DaySum& sum =
        sums[{access::dayOf(e.at_ms), e.connection_id, clean(e.served_model), clean(e.caller)}];
    sum.provider = e.provider;
    sum.connection_name = clean(e.connection_name);
    sum.requests += 1;
    sum.failures += e.status >= kFailed || !e.error.empty() ? 1 : 0;
    sum.input += std::max<int64_t>(e.input_tokens, 0);
    sum.output += std::max<int64_t>(e.output_tokens, 0);
    sum.credits += std::max(e.credits, 0.0);
  }
  return sums;
}

void addToDays(Session& session, const std::vector<RequestEntry>& entries) {
  for (const auto& [key, sum] : sumsOf(entries)) {
    const auto& [day, connection, model, caller] = key;
    session << "INSERT INTO usage_days(day, provider, connection_id, connection_name, model,"
               " caller, requests, failures, input_tokens, output_tokens, credits)"
               " VALUES(?,?,?,?,?,?,?,?,?,?,?)"
               " ON CONFLICT(day, connection_id, model, caller) DO UPDATE SET"
               " connection_name=excluded.connection_name, requests=requests+excluded.requests,"
               " failures=failures+excluded.failures,"
               " input_tokens=input_tokens+excluded.input_tokens,"
               " output_tokens=output_tokens+excluded.output_tokens,"
               " credits=credits+excluded.credits",
        bind(day), bind(sum.provider), bind(connection), bind(sum.connection_name), bind(model),
        bind(caller), bind(sum.requests), bind(sum.failures), bind(sum.input), bind(sum.output),
        bind(sum.credits), now;
  }
}

}  // namespace

Result<> RequestTable::append(const std::vector<RequestEntry>& entries) {
  return sessions_->write([&](Session& session) -> Result<> {
    insertAll(session, entries);
    addToDays(session, entries);
    return {};
  });
}

Result<std::vector<RequestEntry>> RequestTable::requests(const RequestFilter& filter) {
  return sessions_->read([&](Session& session) -> Result<std::vector<RequestEntry>> {
    std::vector<RequestEntry> out;
    RequestEntry e;
    int streamed = 0;
    Poco::Int64 id = 0, at = 0, first = 0, duration = 0, input = 0, output = 0, cached = 0;
    const std::string connection = clean(filter.connection), caller = clean(filter.caller),
                      model = clean(filter.model);
    Statement select(session);
    select << "SELECT id, request_id, trace_id, at_ms, api, model, served_model, connection_id,"
              " connection_name, provider, attempts, status, error, streamed, first_byte_ms,"
              " duration_ms, input_tokens, output_tokens, cache_read_tokens, credits, caller"
              " FROM requests WHERE (?=0 OR id<?) AND (?='' OR connection_id=? OR"
              " connection_name=?) AND (?='' OR caller=?) AND (?='' OR model=? OR served_model=?)"
              " AND status BETWEEN ? AND ? ORDER BY id DESC LIMIT ?",
        into(id), into(e.request_id), into(e.trace_id), into(at), into(e.api), into(e.model),
        into(e.served_model), into(e.connection_id), into(e.connection_name), into(e.provider),
        into(e.attempts), into(e.status), into(e.error), into(streamed), into(first),
        into(duration), into(input), into(output), into(cached), into(e.credits), into(e.caller),
        bind(Poco::Int64(filter.before_id)), bind(Poco::Int64(filter.before_id)), bind(connection),
        bind(connection), bind(connection), bind(caller), bind(caller), bind(model), bind(model),
        bind(model), bind(filter.status_from), bind(filter.status_to), bind(filter.limit), limit(1);
    while (!select.done()) {
      if (select.execute() == 0) break;
      e.id = id;
      e.at_ms = at;
      e.streamed = streamed != 0;
      e.first_byte_ms = first;
      e.duration_ms = duration;
      e.input_tokens = input;
      e.output_tokens = output;
      e.cache_read_tokens = cached;
      out.push_back(e);
    }
    return out;
  });
}

Result<std::vector<UsageRow>> RequestTable::usageSince(std::string_view first_day) {
  return sessions_->read([&](Session& session) -> Result<std::vector<UsageRow>> {
    std::vector<UsageRow> out;
    UsageRow row;
    Poco::Int64 requests = 0, failures = 0, input = 0, output = 0;
    Statement select(session);
    select << "SELECT day, provider, connection_id, connection_name, model, caller, requests,"
              " failures, input_tokens, output_tokens, credits FROM usage_days WHERE day>=?"
              " ORDER BY day, connection_name, model, caller",
        into(row.day), into(row.provider), into(row.connection_id), into(row.connection_name),
        into(row.model), into(row.caller), into(requests), into(failures), into(input),
        into(output), into(row.credits), bind(std::string(first_day)), limit(1);
    while (!select.done()) {
      if (select.execute() == 0) break;
      row.requests = requests;
      row.failures = failures;
      row.input_tokens = input;
      row.output_tokens = output;
      out.push_back(row);
    }
    return out;
  });
}

Result<> RequestTable::trim(int64_t cutoff_ms, int64_t rows, std::string_view oldest_day) {
  return sessions_->write([&](Session& session) -> Result<> {
    Poco::Int64 newest = 0;
    session << "SELECT COALESCE(MAX(id), 0) FROM requests", into(newest), now;
    // Ids grow with time, so both conditions cut a prefix.
    session << "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE id<=? OR at_ms<?"
               " ORDER BY id LIMIT ?)",
        bind(newest - Poco::Int64(rows)), bind(Poco::Int64(cutoff_ms)), bind(kTrimRows), now;
    session << "DELETE FROM usage_days WHERE day<?", bind(std::string(oldest_day)), now;
    return {};
  });
}

}  // namespace omni::storage
