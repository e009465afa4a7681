#include "service/http/response_writer.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/SocketImpl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

#include <fmt/format.h>

#ifndef _WIN32
#include <poll.h>
#include <sys/socket.h>
#else
#include <winsock2.h>
#endif

#include "core/base/http_token.hpp"
#include "service/http/guards.hpp"

#include "service/platform/socket_wait.hpp"

namespace omni::http {
namespace {

constexpr int64_t kPeerCheckMs = 200;
constexpr size_t kUsualHead = 512;
constexpr size_t kUsualHeaders = 8;
constexpr std::string_view kKeepAliveComment = ": keep-alive\n\n";

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif

int64_t steadyMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

// A FIN that waits behind unread bytes is seen by POLLRDHUP, not by a peek; hence not the portable
// way where there is a better.
bool peerHasLeft(int fd) {
#ifdef _WIN32
  char byte = 0;
  WSAPOLLFD entry{static_cast<SOCKET>(fd), POLLRDNORM, 0};
  if (WSAPoll(&entry, 1, 0) <= 0) return false;
  if (entry.revents & (POLLHUP | POLLERR)) return true;
  return ::recv(static_cast<SOCKET>(fd), &byte, 1, MSG_PEEK) == 0;
#else
  pollfd entry{fd, POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) > 0 &&
         (entry.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
#endif
}

// IMF-fixdate, made once per second and thread.
std::string_view httpDate() {
  thread_local std::time_t made_at = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != made_at || text.empty()) {
    constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm t{};
#ifdef _WIN32
    gmtime_s(&t, &now);
#else
    gmtime_r(&now, &t);
#endif
    text = fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[t.tm_wday], t.tm_mday,
                       kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    made_at = now;
  }
  return text;
}

bool bodyless(int status) {
  return status == 204 || status == 304 || status < 200;
}

}  // namespace

// It has just sent its request.
int64_t ConnectionCancel::firstCheckMs() {
  return steadyMs() + kPeerCheckMs;
}

bool ConnectionCancel::cancelled() const {
  if (gone() || cancel_all_.load(std::memory_order_relaxed)) return true;
  const int64_t now = steadyMs();
  int64_t due = next_check_ms_.load(std::memory_order_relaxed);
  if (now < due || !next_check_ms_.compare_exchange_strong(due, now + kPeerCheckMs)) return false;
  if (!peerHasLeft(fd_)) return false;
  gone_.store(true, std::memory_order_release);
  return true;
}

std::string_view reasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 424:
      return "Failed Dependency";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 529:
      return "Overloaded";
    default:
      return status < 300 ? "Success" : status < 500 ? "Client Error" : "Server Error";
  }
}

SocketWriter::SocketWriter(Poco::Net::StreamSocket& socket, StreamTicker& ticker,
                           const std::atomic<bool>& cancel_all, Setup setup)
    : socket_(socket),
      ticker_(ticker),
      setup_(setup),
      cancel_(static_cast<int>(socket.impl()->sockfd()), cancel_all) {}

SocketWriter::~SocketWriter() {
  leaveTicker();
}

void SocketWriter::setHeader(std::string name, std::string value) {
  std::lock_guard lock(mutex_);
  if (committed() || !isHttpToken(name)) return;
  // A value may come from a user (a connection's name); a line break in it would start a new
  // header.
  for (char& c : value) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') c = ' ';
  }
  for (auto& [known, old] : headers_) {
    if (equalsIgnoringCase(known, name) && !equalsIgnoringCase(name, "Set-Cookie")) {
      old = std::move(value);
      return;
    }
  }
  if (headers_.empty()) headers_.reserve(kUsualHeaders);
  headers_.emplace_back(std::move(name), std::move(value));
}

// Appends, because a format string is parsed anew for each answer.
void SocketWriter::appendHead(int status, std::string_view content_type, bool has_length,
                              size_t length) {
  status_ = status;
  out_.reserve(kUsualHead + (has_length ? length : 0));
  out_.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reasonPhrase(status));
  out_.append("\r\nDate: ").append(httpDate()).append("\r\n");
  if (!content_type.empty() && !bodyless(status))
    out_.append("Content-Type: ").append(content_type).append("\r\n");
  for (const auto& [name, value] : headers_)
    out_.append(name).append(": ").append(value).append("\r\n");
  if (has_length) {
    if (!bodyless(status))
      out_.append("Content-Length: ").append(std::to_string(length)).append("\r\n");
  } else if (!setup_.http10 && !setup_.head) {
    out_ += "Transfer-Encoding: chunked\r\n";
  }
  if (!setup_.keep_alive) {
    out_ += "Connection: close\r\n";
  } else if (setup_.http10) {
    out_ += "Connection: keep-alive\r\n";
  }
  out_ += "\r\n";
}

void SocketWriter::appendChunk(std::string_view bytes) {
  if (bytes.empty()) return;  // an empty chunk would be the end of the stream
  if (setup_.http10) {
    out_ += bytes;
    return;
  }
  std::array<char, 16> size;
  const auto end = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16).ptr;
  out_.append(size.data(), static_cast<size_t>(end - size.data())).append("\r\n").append(bytes);
  out_ += "\r\n";
}

bool SocketWriter::flush() {
  size_t sent = 0;
  try {
    while (sent < out_.size()) {
      const size_t step = std::min<size_t>(out_.size() - sent, 1u << 20);
      const int n = socket_.sendBytes(out_.data() + sent, static_cast<int>(step), kSendFlags);
      if (n <= 0) {
        cancel_.setGone();
        break;
      }
      sent += static_cast<size_t>(n);
    }
  } catch (...) {  // time-out (the client takes nothing) or reset; both end the connection
    cancel_.setGone();
  }
  bytes_sent_ += sent;
  const bool whole = sent == out_.size();
  out_.clear();
  constexpr size_t kKeep = 256 * 1024;
  if (out_.capacity() > kKeep) std::string().swap(out_);
  return whole;
}

void SocketWriter::flushLast() {
  constexpr size_t kFits = 64 * 1024;
  if (last_bytes_ && out_.size() <= kFits) last_bytes_();
  flush();
}

bool SocketWriter::sendContinue() {
  out_ = "HTTP/1.1 100 Continue\r\n\r\n";
  return flush();
}

void SocketWriter::send(int status, std::string_view content_type, std::string_view body) {
  settle();
  if (committed()) return;
  state_ = State::Ended;
  appendHead(status, content_type, true, body.size());
  if (!setup_.head && !bodyless(status)) out_ += body;
  flushLast();
}

bool SocketWriter::startStream(int status, std::string_view content_type) {
  {
    std::lock_guard lock(mutex_);
    planned_ = false;
    if (begun_by_plan_) return state_ == State::Streaming && !cancel_.gone();
    if (committed()) return false;
    openStream(status, content_type);
    if (setup_.head) {
      flush();
      return true;
    }
  }
  // The header waits for the first bytes, to share their segment; the ticker sends it when they are
  // late.
  joinTicker();
  return true;
}

// Under mutex_.
void SocketWriter::openStream(int status, std::string_view content_type) {
  if (setup_.http10 || setup_.head) setup_.keep_alive = false;
  event_stream_ = content_type.starts_with("text/event-stream");
  appendHead(status, content_type, false, 0);
  last_write_ms_ = ticker_.nowMs();
  header_pending_ = !setup_.head;
  state_ = State::Streaming;
}

void SocketWriter::planStream(const StreamPlan& plan) {
  if (setup_.head) return;
  {
    std::lock_guard lock(mutex_);
    if (committed()) return;
    plan_ = plan;
    planned_ = setup_.commit_after_ms > 0;
    last_write_ms_ = ticker_.nowMs();
  }
  if (planned_) joinTicker();
}

void SocketWriter::settle() {
  {
    std::lock_guard lock(mutex_);
    planned_ = false;
    if (state_ != State::Open) return;
  }
  leaveTicker();
}

bool SocketWriter::write(std::string_view bytes) {
  if (state_ != State::Streaming || setup_.head) return false;
  std::lock_guard lock(mutex_);
  return streamWrite(bytes);
}

// Under mutex_.
bool SocketWriter::streamWrite(std::string_view bytes) {
  if (cancel_.gone()) return false;
  appendChunk(bytes);
  if (!bytes.empty()) between_events_ = bytes.ends_with("\n\n");
  header_pending_ = false;
  last_write_ms_ = ticker_.nowMs();
  return flush();
}

void SocketWriter::endStream(std::string_view last) {
  if (state_ != State::Streaming) return;
  leaveTicker();
  state_ = State::Ended;
  if (setup_.head || cancel_.gone()) return;
  appendChunk(last);
  if (!setup_.http10) out_ += "0\r\n\r\n";
  flushLast();
}

void SocketWriter::tick() {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || cancel_.gone()) return;
  const int64_t silence = ticker_.nowMs() - last_write_ms_;
  const bool begin = planned_ && state_ == State::Open && silence >= setup_.commit_after_ms;
  const bool silent =
      begin || (state_ == State::Streaming && setup_.keep_alive_comment_ms > 0 && event_stream_ &&
                between_events_ && silence >= setup_.keep_alive_comment_ms);
  if (!silent && !header_pending_) return;
  try {
    // Room in the send buffer now: these few bytes will not block.
    if (!platform::waitSocket(socket_, platform::Wait::Writable, std::chrono::microseconds(0)))
      return;
  } catch (...) {
    cancel_.setGone();
    return;
  }
  if (begin) {
    planned_ = false;
    begun_by_plan_ = true;
    openStream(plan_.status, plan_.content_type);
  }
  streamWrite(!silent                    ? std::string_view{}
              : plan_.keep_alive.empty() ? kKeepAliveComment
                                         : std::string_view(plan_.keep_alive));
}

void SocketWriter::joinTicker() {
  if (ticking_) return;
  ticking_ = true;
  ticker_.add(this);
}

void SocketWriter::leaveTicker() {
  if (!ticking_) return;
  ticker_.remove(this);
  ticking_ = false;
}

bool SocketWriter::finish() {
  leaveTicker();
  if (state_ == State::Ended && !cancel_.gone()) return true;
  setup_.keep_alive = false;
  if (state_ == State::Streaming && setup_.http10 && !setup_.head) {
    // Without chunks only a reset tells the client that this was not the end.
    try {
      socket_.setLinger(true, 0);
      resets_ = true;
    } catch (...) {
      cancel_.setGone();
    }
  }
  return false;
}

}  // namespace omni::http
