#pragma once
// TLS on an accepted socket, as a Poco socket, so that the rest of the server does not see the
// difference. Internal to service/http.
//
// Threads: reads, writes and shutdownSend() by one thread at a time (SocketWriter's mutex keeps the
// handler and the ticker apart); shutdown() and shutdownReceive() from any, for they touch the
// socket only. The handshake is made by the first read, in the connection's own thread.
// Ends: a clean close sends close_notify; after shutdown() or with linger 0 none is sent, which is
// how a client tells a cut answer from a whole one.

#include <Poco/Net/StreamSocket.h>

#include <memory>

struct ssl_ctx_st;

namespace omni::http {

// `plain` is taken over. A client that has not finished its handshake after `handshake_ms` is
// dropped; one that speaks plain HTTP gets a 400 that says so.
Poco::Net::StreamSocket overTls(const Poco::Net::StreamSocket& plain,
                                std::shared_ptr<ssl_ctx_st> context, int handshake_ms);

}  // namespace omni::http
