#pragma once
// A client that sends exactly the bytes a test wants and shows exactly what came back.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>

namespace omni::http::testing {

inline int64_t nowMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // False: the peer no longer takes bytes.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  // One read. Empty: closed, reset, or nothing within the time; see closed().
  std::string receive(int timeout_ms = 5000) {
    pollfd entry{fd_, POLLIN, 0};
    if (::poll(&entry, 1, timeout_ms) <= 0) return {};
    char buffer[65536];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) {
      closed_ = true;
      reset_ = n < 0;
      return {};
    }
    return {buffer, static_cast<size_t>(n)};
  }
  // Reads until the text has been seen, the peer closes, or the time is over.
  std::string until(std::string_view text, int timeout_ms = 5000) {
    const int64_t end = nowMs() + timeout_ms;
    std::string all;
    while (all.find(text) == std::string::npos && !closed_ && nowMs() < end) {
      all += receive(static_cast<int>(std::max<int64_t>(1, end - nowMs())));
    }
    return all;
  }
  std::string untilClosed(int timeout_ms = 5000) {
    const int64_t end = nowMs() + timeout_ms;
    std::string all;
    while (!closed_ && nowMs() < end)
      all += receive(static_cast<int>(std::max<int64_t>(1, end - nowMs())));
    return all;
  }
  // One answer with Content-Length.
  std::string response(int timeout_ms = 5000) {
    const int64_t end = nowMs() + timeout_ms;
    while (nowMs() < end) {
      const size_t head = pending_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const size_t at = pending_.find("Content-Length: ");
        const size_t length = at < head ? std::stoul(pending_.substr(at + 16)) : 0;
        if (pending_.size() >= head + 4 + length) {
          std::string one = pending_.substr(0, head + 4 + length);
          pending_.erase(0, one.size());
          return one;
        }
      }
      if (closed_) break;
      pending_ += receive(static_cast<int>(std::max<int64_t>(1, end - nowMs())));
    }
    return std::exchange(pending_, {});
  }
  bool closed() const { return closed_; }
  bool wasReset() const { return reset_; }

 private:
  int fd_;
  bool connected_ = false;
  bool closed_ = false;
  bool reset_ = false;
  std::string pending_;
};

}  // namespace omni::http::testing
