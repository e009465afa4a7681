#pragma once
// ResponseWriter over a Poco socket. Internal to service/http.
//
// Poco's own response stream is bypassed: in 1.11 its destructor writes the terminal chunk even
// while an exception flies, which makes a cut stream look complete, and it sends header and body in
// separate segments. Here every answer and every stream write is one buffer and one send.
//
// The handler's thread and the server's ticker both send; a mutex keeps them apart.

#include <Poco/Net/StreamSocket.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/http/route.hpp"
#include "service/http/stream_ticker.hpp"

namespace omni::http {

// Says whether the peer has left (at most one poll per 200 ms) or the server wants everybody to
// stop.
class ConnectionCancel final : public CancelToken {
 public:
  ConnectionCancel(int fd, const std::atomic<bool>& cancel_all)
      : fd_(fd), cancel_all_(cancel_all), next_check_ms_(firstCheckMs()) {}
  bool cancelled() const override;
  void setGone() { gone_.store(true, std::memory_order_release); }
  bool gone() const { return gone_.load(std::memory_order_acquire); }

 private:
  const int fd_;
  const std::atomic<bool>& cancel_all_;
  mutable std::atomic<bool> gone_{false};
  static int64_t firstCheckMs();
  mutable std::atomic<int64_t> next_check_ms_;
};

std::string_view reasonPhrase(int status);

class SocketWriter final : public ResponseWriter, private Ticked {
 public:
  struct Setup {
    bool head = false;        // HEAD: headers only
    bool http10 = false;      // no chunks: the stream ends with the connection
    bool keep_alive = false;  // may the connection be used again
    int keep_alive_comment_ms = 0;
    int commit_after_ms = 0;
  };
  SocketWriter(Poco::Net::StreamSocket& socket, StreamTicker& ticker,
               const std::atomic<bool>& cancel_all, Setup setup);
  ~SocketWriter() override;

  void setHeader(std::string name, std::string value) override;
  void send(int status, std::string_view content_type, std::string_view body) override;
  bool startStream(int status, std::string_view content_type) override;
  bool write(std::string_view bytes) override;
  void endStream(std::string_view last) override;
  void planStream(const StreamPlan& plan) override;
  void settle() override;
  bool committed() const override { return state_ != State::Open; }
  const CancelToken& cancel() const override { return cancel_; }

  // Called before the last bytes go out, when they fit the socket's buffer: a client that has its
  // answer and asks again at once must find its own slot free.
  void onLastBytes(std::function<void()> call) { last_bytes_ = std::move(call); }
  void closeAfterwards() { setup_.keep_alive = false; }
  bool sendContinue();  // "100 Continue"
  // Cuts a stream that was not ended. True: the answer is whole.
  bool finish();

  // finish() has set the socket so that closing it resets the connection.
  bool endsWithReset() const { return resets_; }
  bool keepAlive() const { return setup_.keep_alive && !cancel_.gone(); }
  int status() const { return status_; }
  uint64_t bytesSent() const { return bytes_sent_; }

 private:
  enum class State { Open, Streaming, Ended };
  void tick() override;
  void appendHead(int status, std::string_view content_type, bool has_length, size_t length);
  void appendChunk(std::string_view bytes);
  bool flush();
  void flushLast();
  bool streamWrite(std::string_view bytes);
  void joinTicker();
  void leaveTicker();
  void openStream(int status, std::string_view content_type);

  Poco::Net::StreamSocket& socket_;
  StreamTicker& ticker_;
  Setup setup_;
  ConnectionCancel cancel_;
  std::function<void()> last_bytes_;
  bool ticking_ = false;  // the handler's thread only

  std::mutex mutex_;  // guards what follows once the stream is in the ticker
  std::vector<std::pair<std::string, std::string>> headers_;
  StreamPlan plan_;
  bool planned_ = false;  // the ticker may begin the stream
  bool begun_by_plan_ = false;
  std::string out_;  // reused by all writes
  std::atomic<State> state_{State::Open};
  bool resets_ = false;
  bool header_pending_ = false;
  bool event_stream_ = false;
  bool between_events_ = true;
  int status_ = 0;
  uint64_t bytes_sent_ = 0;
  int64_t last_write_ms_ = 0;
};

}  // namespace omni::http
