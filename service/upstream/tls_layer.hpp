#pragma once
// TLS over another transport: to a target behind a proxy that is itself spoken to over TLS. Over a
// plain socket startTls() (transport.hpp) lets OpenSSL use the socket, which saves a copy.

#include "service/upstream/transport.hpp"

namespace omni::upstream {

Result<std::unique_ptr<Transport>> startInnerTls(std::unique_ptr<Transport> inner,
                                                 const std::string& host, const TlsContext& tls,
                                                 Deadline deadline, const CancelToken& cancel);

}  // namespace omni::upstream
