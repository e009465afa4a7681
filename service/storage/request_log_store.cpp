#include "service/storage/request_log_store.hpp"

#include <Poco/Data/Statement.h>

#include <algorithm>

#include "core/access/limiter.hpp"

namespace omni::storage {
namespace {

using Poco::Data::Session;
using Poco::Data::Statement;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::limit;
using Poco::Data::Keywords::now;

constexpr int kTrimRows = 2000;
constexpr int kFailed = 400;

// SQLite's text functions stop at a NUL; a client's text must not cut a row.
std::string clean(std::string text) {
  std::erase(text, '\0');
  return text;
}

void insert(Session& session, const RequestEntry& e) {
  session << "INSERT INTO requests(request_id, trace_id, at_ms, api, model, served_model,"
             " connection_id, connection_name, provider, attempts, status, error, streamed,"
             " first_byte_ms, duration_ms, input_tokens, output_tokens, cache_read_tokens, credits,"
             " caller) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      bind(clean(e.request_id)), bind(clean(e.trace_id)), bind(Poco::Int64(e.at_ms)), bind(e.api),
      bind(clean(e.model)), bind(clean(e.served_model)), bind(e.connection_id),
      bind(clean(e.connection_name)), bind(e.provider), bind(clean(e.attempts)), bind(e.status),
      bind(clean(e.error)), bind(e.streamed ? 1 : 0), bind(Poco::Int64(e.first_byte_ms)),
      bind(Poco::Int64(e.duration_ms)), bind(Poco::Int64(e.input_tokens)),
      bind(Poco::Int64(e.output_tokens)), bind(Poco::Int64(e.cache_read_tokens)), bind(e.credits),
      bind(clean(e.caller)), now;
}

void addToDay(Session& session, const RequestEntry& e) {
  const bool failed = e.status >= kFailed || !e.error.empty();
  session << "INSERT INTO usage_days(day, provider, connection_id, connection_name, model, caller,"
             " requests, failures, input_tokens, output_tokens, credits)"
             " VALUES(?,?,?,?,?,?,1,?,?,?,?)"
             " ON CONFLICT(day, connection_id, model, caller) DO UPDATE SET"
             " connection_name=excluded.connection_name, requests=requests+1,"
             " failures=failures+excluded.failures,"
             " input_tokens=input_tokens+excluded.input_tokens,"
             " output_tokens=output_tokens+excluded.output_tokens,"
             " credits=credits+excluded.credits",
      bind(access::dayOf(e.at_ms)), bind(e.provider), bind(e.connection_id),
      bind(clean(e.connection_name)), bind(clean(e.served_model)), bind(clean(e.caller)),
      bind(failed ? 1 : 0), bind(Poco::Int64(std::max<int64_t>(e.input_tokens, 0))),
      bind(Poco::Int64(std::max<int64_t>(e.output_tokens, 0))), bind(std::max(e.credits, 0.0)), now;
}

}  // namespace

Result<> RequestTable::append(const std::vector<RequestEntry>& entries) {
  return sessions_->write([&](Session& session) -> Result<> {
    for (const RequestEntry& entry : entries) {
      insert(session, entry);
      addToDay(session, entry);
    }
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
