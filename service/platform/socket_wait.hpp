#pragma once
// Waits for one socket. Poco 1.11 makes, fills and closes an epoll set for every Socket::poll():
// four system calls where poll(2) is one, and a request waits three times.

#include <Poco/Net/Socket.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdint>

#ifdef _WIN32
#include <winsock2.h>
#else
#include <poll.h>

#include <cerrno>
#endif

namespace omni::platform {

enum class Wait { Readable, Writable };

// True when the socket is ready, or broken (the next read or write says how). False after `timeout`
// (rounded up to milliseconds) or an interrupting signal. Thread-safe as far as the socket is.
inline bool waitSocket(const Poco::Net::Socket& socket, Wait what,
                       std::chrono::microseconds timeout) {
  const int64_t ms = std::clamp<int64_t>((timeout.count() + 999) / 1000, 0, INT_MAX);
  const auto fd = socket.impl()->sockfd();
  const short wanted = what == Wait::Readable ? POLLIN : POLLOUT;
#ifdef _WIN32
  WSAPOLLFD entry{fd, wanted, 0};
  return ::WSAPoll(&entry, 1, static_cast<int>(ms)) > 0;
#else
  pollfd entry{fd, wanted, 0};
  return ::poll(&entry, 1, static_cast<int>(ms)) > 0;
#endif
}

}  // namespace omni::platform
