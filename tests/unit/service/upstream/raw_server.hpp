#pragma once
// A scripted server on a free local port: each accepted connection runs one function of the script,
// in order, on one thread.

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace omni::upstream::testing {

class Peer {
 public:
  explicit Peer(Poco::Net::StreamSocket socket) : socket_(std::move(socket)) {
    socket_.setReceiveTimeout(Poco::Timespan(10, 0));
    socket_.setNoDelay(true);
  }
  // Head and body of one request; empty when the client closed.
  std::string request() {
    std::string text;
    size_t wanted = 0;
    while (wanted == 0 || text.size() < wanted) {
      char buffer[4096];
      const int got = socket_.receiveBytes(buffer, sizeof(buffer));
      if (got <= 0) return {};
      ++reads_;
      text.append(buffer, static_cast<size_t>(got));
      const size_t end = text.find("\r\n\r\n");
      if (wanted != 0 || end == std::string::npos) continue;
      wanted = end + 4;
      const size_t length = text.find("Content-Length: ");
      if (length != std::string::npos && length < end)
        wanted += std::stoul(text.substr(length + 16));
    }
    return text;
  }
  void send(std::string_view text) {
    socket_.sendBytes(text.data(), static_cast<int>(text.size()));
  }
  void waitForClose() {
    char byte;
    while (socket_.receiveBytes(&byte, 1) > 0) {
    }
  }
  int reads() const { return reads_; }

 private:
  Poco::Net::StreamSocket socket_;
  int reads_ = 0;
};

class RawServer {
 public:
  using Step = std::function<void(Peer&)>;
  explicit RawServer(std::vector<Step> script)
      : listener_(Poco::Net::SocketAddress("127.0.0.1", 0)),
        script_(std::move(script)),
        thread_([this] { run(); }) {}
  ~RawServer() {
    stop_ = true;
    thread_.join();
    for (std::thread& connection : connections_) connection.join();
  }
  std::string url(const std::string& target = "/") const {
    return "http://127.0.0.1:" + std::to_string(listener_.address().port()) + target;
  }
  int accepted() const { return accepted_; }

 private:
  void run() {
    for (const Step& step : script_) {
      while (!listener_.poll(Poco::Timespan(0, 20'000), Poco::Net::Socket::SELECT_READ))
        if (stop_) return;
      // No copy of the socket stays here: the last one to go closes it.
      auto accepted = std::make_unique<Peer>(listener_.acceptConnection());
      ++accepted_;
      connections_.emplace_back([&step, peer = std::move(accepted)]() mutable {
        try {
          step(*peer);
        } catch (const Poco::Exception&) {
          // The client went away; what it saw is what the test checks.
        }
        peer.reset();
      });
    }
  }

  Poco::Net::ServerSocket listener_;
  std::vector<Step> script_;
  std::atomic<bool> stop_{false};
  std::atomic<int> accepted_{0};
  std::vector<std::thread> connections_;
  std::thread thread_;
};

}  // namespace omni::upstream::testing
