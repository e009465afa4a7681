#pragma once
// Tries a proxy for real: one GET through it, over a connection of its own.

#include "service/upstream/client.hpp"

namespace omni::upstream {

// Thread-safe.
class HttpProxyTester final : public ProxyTester {
 public:
  // The clock is borrowed. Time-outs are at most 10 s whatever the options say.
  HttpProxyTester(ClientOptions options, const Clock& clock);
  Result<ProxyTestResult> test(const ProxyRoute& route, std::string_view url,
                               const CancelToken& cancel) override;

 private:
  ClientOptions options_;
  const Clock& clock_;
};

}  // namespace omni::upstream
