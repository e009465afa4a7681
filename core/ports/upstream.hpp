#pragma once
// Outgoing HTTP as plugins get it: one account's connections are never shared with another's.
// Implemented by service/upstream.

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/cancel.hpp"

namespace omni {

struct HttpHeader {
  std::string_view name;
  std::string_view value;
};

// All views are borrowed for the duration of the call. Host, Content-Length, Connection and
// Transfer-Encoding are the client's own: what is given for them is left out.
struct HttpCall {
  std::string_view method = "GET";
  std::string_view url;  // absolute, http or https, without user-info
  std::vector<HttpHeader> headers;
  std::string_view body;
  bool idempotent = false;  // may be sent a second time when a pooled connection turns out dead
  bool finish = false;  // once it begins to be sent, a cancellation no longer stops it: its answer
                        // must not be lost
  int64_t first_byte_timeout_ms = 0;  // 0: the client's default
  int64_t idle_timeout_ms = 0;        // longest silence inside the answer; 0: the client's default
  std::function<void()> before_wait;  // called whenever what has arrived is delivered; may be empty
};

// Thread-safe; blocks the calling thread, which also runs the callbacks.
class UpstreamClient {
 public:
  // An error stops the transfer, drops the connection and comes back from call() as it is. Views
  // are valid during the callback.
  using OnResponse = std::function<Result<>(int status, const std::vector<HttpHeader>& headers)>;
  using OnBody = std::function<Result<>(std::string_view bytes)>;

  virtual ~UpstreamClient() = default;
  // Success whatever the HTTP status is, once the whole body has been delivered. Bytes are
  // delivered as they arrive. Network (not reached, broken, cut short), Timeout, Cancelled (noticed
  // within 250 ms, but see HttpCall::finish), BadRequest (field "url"). Redirects are not followed:
  // they come back as 3xx.
  virtual Result<> call(std::string_view account_key, const HttpCall& request,
                        const OnResponse& on_response, const OnBody& on_body,
                        const CancelToken& cancel) = 0;
};

}  // namespace omni
