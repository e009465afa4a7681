#pragma once
// The log of finished requests: who asked for what, who served it and what it cost. What was said
// is kept only when an administrator has switched that on, apart from the log and for a shorter
// time.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace omni {

// What was said. A long text is cut, with a mark where.
struct RequestContent {
  std::string request;        // the body but for credentials, whatever its bytes
  std::string answer;         // the answer's text; other parts follow a line that names them
  int64_t request_bytes = 0;  // before the cut
  int64_t answer_bytes = 0;
};

struct RequestEntry {
  int64_t id = 0;  // given by the store; 0 in a live entry
  std::string request_id;
  std::string trace_id;  // of the client's traceparent; empty: none
  int64_t at_ms = 0;     // Unix time of the start
  std::string api;
  std::string model;         // as the client wrote it
  std::string served_model;  // what the last account was asked for
  std::string connection_id;
  std::string connection_name;
  std::string provider;
  std::string attempts = "[]";  // JSON: [{"connection","provider","model","ok","error"?}]
  int status = 0;
  std::string error;  // code and message; empty: none
  bool streamed = false;
  int64_t first_byte_ms = -1;
  int64_t duration_ms = 0;
  int64_t input_tokens = -1;
  int64_t output_tokens = -1;
  int64_t cache_read_tokens = -1;
  double credits = -1;
  std::string caller;  // "key:laptop"; empty: nobody in particular
  // For append() only: neither requests() nor a feed gives it back. nullptr: it is not kept.
  std::shared_ptr<const RequestContent> content{};
};

struct RequestFilter {
  int64_t before_id = 0;  // 0: the newest
  int limit = 50;
  std::string connection;  // id or name
  std::string caller;
  std::string model;  // as asked for or as served
  int status_from = 0;
  int status_to = 999;
  int64_t id = 0;          // 0: any
  std::string request_id;  // empty: any
};

// One day of one connection, model and caller.
struct UsageRow {
  std::string day;  // "2026-11-24", UTC
  std::string provider;
  std::string connection_id;
  std::string connection_name;  // of the day's last request
  std::string model;            // as served
  std::string caller;
  int64_t requests = 0;
  int64_t failures = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  double credits = 0;
};

// Thread-safe. Implemented by service/storage.
class RequestLogStore {
 public:
  virtual ~RequestLogStore() = default;
  // One transaction; also adds to the days' sums.
  virtual Result<> append(const std::vector<RequestEntry>& entries) = 0;
  // Newest first.
  virtual Result<std::vector<RequestEntry>> requests(const RequestFilter& filter) = 0;
  // Days from `first_day` on, oldest first.
  virtual Result<std::vector<UsageRow>> usageSince(std::string_view first_day) = 0;
  // Drops what is older than `cutoff_ms` and what is beyond the newest `rows`, some thousand rows
  // at most, so that no call takes long. True: there is more to drop. The days' sums stay 400 days.
  virtual Result<bool> trim(int64_t cutoff_ms, int64_t rows, std::string_view oldest_day) = 0;

  // What was said in a request that requests() gave; nullopt: not kept, or no longer.
  virtual Result<std::optional<RequestContent>> content(const RequestEntry& entry) = 0;
  // As trim(), of contents. True: there is more to drop.
  virtual Result<bool> trimContents(int64_t cutoff_ms, int64_t rows) = 0;
};

// The newest entries as they come, for a live view. Thread-safe. Implemented by service/telemetry.
class RequestFeed {
 public:
  virtual ~RequestFeed() = default;
  struct Batch {
    int64_t next = 0;     // pass it to the following call
    bool closed = false;  // the service stops; nothing follows
    std::vector<RequestEntry> entries;
  };
  // What came after `after` (-1: from now on), waiting at most `wait` for something. Entries that
  // nobody fetched in time are gone.
  virtual Batch follow(int64_t after, std::chrono::milliseconds wait) = 0;
};

}  // namespace omni
