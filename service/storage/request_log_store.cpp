#include "service/storage/request_log_store.hpp"

#include <Poco/Data/Statement.h>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "core/access/limiter.hpp"
#include "service/storage/batch_statement.hpp"
#include "service/storage/request_content_store.hpp"

namespace omni::storage {
namespace {

using Poco::Data::Session;
using Poco::Data::Statement;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::limit;
using Poco::Data::Keywords::now;

constexpr int kTrimRows = 2000;
constexpr int kFailed = 400, kBadRequest = 400, kNotFound = 404;

// SQLite's text functions stop at a NUL; a client's text must not cut a row.
std::string clean(std::string text) {
  std::erase(text, '\0');
  return text;
}

void insertAll(Session& session, const std::vector<RequestEntry>& entries) {
  BatchStatement row(
      session,
      "INSERT INTO requests(request_id, trace_id, at_ms, api, model, served_model, connection_id,"
      " connection_name, provider, attempts, status, error, streamed, first_byte_ms, duration_ms,"
      " input_tokens, output_tokens, cache_read_tokens, credits, caller)"
      " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  for (const RequestEntry& e : entries)
    row.text(e.request_id)
        .text(e.trace_id)
        .number(e.at_ms)
        .text(e.api)
        .text(e.model)
        .text(e.served_model)
        .text(e.connection_id)
        .text(e.connection_name)
        .text(e.provider)
        .text(e.attempts)
        .number(e.status)
        .text(e.error)
        .number(e.streamed ? 1 : 0)
        .number(e.first_byte_ms)
        .number(e.duration_ms)
        .number(e.input_tokens)
        .number(e.output_tokens)
        .number(e.cache_read_tokens)
        .real(e.credits)
        .text(e.caller)
        .execute();
}

struct DaySum {
  std::string provider;
  std::string connection_name;  // the newest
  int64_t requests = 0, failures = 0, input = 0, output = 0;
  double credits = 0;
};
// day, connection, model, caller
using DaySums = std::map<std::tuple<std::string, std::string, std::string, std::string>, DaySum>;

// The sums stay for a year: what a client made up for a model's name must not each be a row of
// them.
std::string summedModel(const RequestEntry& entry) {
  const bool unknown = entry.status == kBadRequest || entry.status == kNotFound;
  return unknown ? std::string() : clean(entry.served_model);
}

DaySums sumsOf(const std::vector<RequestEntry>& entries) {
  DaySums sums;
  for (const RequestEntry& e : entries) {
    DaySum& sum = sums[{access::dayOf(e.at_ms), e.connection_id, summedModel(e), clean(e.caller)}];
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
  BatchStatement row(
      session,
      "INSERT INTO usage_days(day, provider, connection_id, connection_name, model, caller,"
      " requests, failures, input_tokens, output_tokens, credits) VALUES(?,?,?,?,?,?,?,?,?,?,?)"
      " ON CONFLICT(day, connection_id, model, caller) DO UPDATE SET"
      " connection_name=excluded.connection_name, requests=requests+excluded.requests,"
      " failures=failures+excluded.failures, input_tokens=input_tokens+excluded.input_tokens,"
      " output_tokens=output_tokens+excluded.output_tokens, credits=credits+excluded.credits");
  for (const auto& [key, sum] : sumsOf(entries)) {
    const auto& [day, connection, model, caller] = key;
    row.text(day)
        .text(sum.provider)
        .text(connection)
        .text(sum.connection_name)
        .text(model)
        .text(caller)
        .number(sum.requests)
        .number(sum.failures)
        .number(sum.input)
        .number(sum.output)
        .real(sum.credits)
        .execute();
  }
}

}  // namespace

Result<> RequestTable::append(const std::vector<RequestEntry>& entries) {
  auto sealed = sealContents(sealer_, entries);
  if (!sealed) return std::unexpected(std::move(sealed.error()));
  return sessions_->write([&](Session& session) -> Result<> {
    if (entries.empty()) return {};
    insertAll(session, entries);
    if (!sealed->empty()) {
      Poco::Int64 last = 0;
      session << "SELECT last_insert_rowid()", into(last), now;
      // One writer, one transaction, AUTOINCREMENT: the ids of a batch follow each other.
      insertContents(session, *sealed, entries, last - static_cast<int64_t>(entries.size()) + 1);
    }
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
                      model = clean(filter.model), request_id = clean(filter.request_id);
    // A range, so that one row is found and a page begun without reading the log.
    const Poco::Int64 lowest = filter.id;
    const Poco::Int64 highest = filter.id > 0          ? filter.id
                                : filter.before_id > 0 ? filter.before_id - 1
                                                       : std::numeric_limits<Poco::Int64>::max();
    Statement select(session);
    select << "SELECT id, request_id, trace_id, at_ms, api, model, served_model, connection_id,"
              " connection_name, provider, attempts, status, error, streamed, first_byte_ms,"
              " duration_ms, input_tokens, output_tokens, cache_read_tokens, credits, caller"
              " FROM requests WHERE id BETWEEN ? AND ? AND (?='' OR connection_id=? OR"
              " connection_name=?) AND (?='' OR caller=?) AND (?='' OR model=? OR served_model=?)"
              " AND status BETWEEN ? AND ? AND (?='' OR request_id=?)"
              " ORDER BY id DESC LIMIT ?",
        into(id), into(e.request_id), into(e.trace_id), into(at), into(e.api), into(e.model),
        into(e.served_model), into(e.connection_id), into(e.connection_name), into(e.provider),
        into(e.attempts), into(e.status), into(e.error), into(streamed), into(first),
        into(duration), into(input), into(output), into(cached), into(e.credits), into(e.caller),
        bind(lowest), bind(highest), bind(connection), bind(connection), bind(connection),
        bind(caller), bind(caller), bind(model), bind(model), bind(model), bind(filter.status_from),
        bind(filter.status_to), bind(request_id), bind(request_id), bind(filter.limit), limit(1);
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

Result<bool> RequestTable::trim(int64_t cutoff_ms, int64_t rows, std::string_view oldest_day) {
  return sessions_->write([&](Session& session) -> Result<bool> {
    int deleted = 0;
    Poco::Int64 newest = 0;
    session << "SELECT COALESCE(MAX(id), 0) FROM requests", into(newest), now;
    // Ids grow with time, so both conditions cut a prefix.
    session << "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE id<=? OR at_ms<?"
               " ORDER BY id LIMIT ?)",
        bind(newest - Poco::Int64(rows)), bind(Poco::Int64(cutoff_ms)), bind(kTrimRows), now;
    session << "SELECT changes()", into(deleted), now;
    session << "DELETE FROM usage_days WHERE day<?", bind(std::string(oldest_day)), now;
    // Its periods are days and months, both of which sort as the days do.
    session << "DELETE FROM api_key_spending WHERE period<?",
        bind(std::string(oldest_day.substr(0, 7))), now;
    return deleted == kTrimRows;
  });
}

Result<std::optional<RequestContent>> RequestTable::content(const RequestEntry& entry) {
  return sessions_->read([&](Session& session) { return readContent(session, sealer_, entry); });
}

Result<bool> RequestTable::trimContents(int64_t cutoff_ms, int64_t rows) {
  return sessions_->write(
      [&](Session& session) -> Result<bool> { return deleteContents(session, cutoff_ms, rows); });
}

}  // namespace omni::storage
