#pragma once
// One TCP or TLS connection, non-blocking underneath: every wait ends at its deadline and looks at
// the cancel token at least each 250 ms. Poco's own HTTP session is not used: it reads a chunked
// body that was cut short as complete, waits until a buffer is full, and silently reconnects in the
// middle of a request.
//
// One thread at a time. Errors: Network, Timeout, Cancelled; after any error the connection is of
// no more use.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/ports/cancel.hpp"
#include "service/upstream/tls.hpp"

namespace omni::upstream {

using Deadline = std::chrono::steady_clock::time_point;
inline Deadline after(int64_t ms) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}

class Transport {
 public:
  virtual ~Transport() = default;
  // All bytes or an error; TCP_NODELAY is set, so one call is one burst. `idle_ms` is the longest
  // wait without progress.
  virtual Result<> write(std::string_view bytes, int64_t idle_ms, const CancelToken& cancel) = 0;
  // What is there, without waiting for more than the first byte; 0: a clean end. (TLS: only after
  // close_notify.)
  virtual Result<size_t> read(char* out, size_t size, Deadline deadline,
                              const CancelToken& cancel) = 0;
  // False when the peer closed it or sent something unasked while it lay idle.
  virtual bool looksAlive() = 0;
};

// A TCP connection to the first address of `host` (a name or an address) that answers.
Result<std::unique_ptr<Transport>> connectTcp(const std::string& host, uint16_t port,
                                              Deadline deadline, const CancelToken& cancel);

// Shakes hands over an open connection; the certificate has to name `host`.
Result<std::unique_ptr<Transport>> startTls(std::unique_ptr<Transport> inner,
                                            const std::string& host, const TlsContext& tls,
                                            Deadline deadline, const CancelToken& cancel);

}  // namespace omni::upstream
