#include "simulator/http.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <exception>

namespace omni::sim {
namespace {

std::atomic<bool> stopping{false};

bool sameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// A wait is cut into slices so that the end of the program is noticed.
constexpr int kSlice = 100;

}  // namespace

void stopAllExchanges() {
  stopping = true;
}

std::string Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (sameName(key, name)) return value;
  }
  return {};
}

std::string Request::parameter(std::string_view name) const {
  return formValue(parseForm(query), name);
}

std::string formValue(const HeaderList& form, std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return {};
}

HeaderList parseForm(std::string_view text) {
  HeaderList out;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto pair = text.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    out.emplace_back(percentDecode(pair.substr(0, equals)),
                     percentDecode(pair.substr(std::min(equals + 1, pair.size()))));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string percentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(text[i + 1]) != 0 &&
               std::isxdigit(text[i + 2]) != 0) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string percentEncode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

std::string reasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 302:
      return "Found";
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
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

namespace {

void appendHeaders(std::string& out, const HeaderList& headers) {
  for (const auto& [name, value] : headers)
    out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

Exchange::Exchange(const Poco::Net::StreamSocket& socket, bool keep_alive, bool head)
    : socket_(socket), keep_alive_(keep_alive), head_(head) {}

void Exchange::write(std::string_view data) {
  while (!data.empty() && !broken_) {
    try {
      const int sent = socket_.sendBytes(data.data(), static_cast<int>(data.size()));
      if (sent <= 0) {
        broken_ = true;
      } else {
        data.remove_prefix(static_cast<std::size_t>(sent));
      }
    } catch (const std::exception&) {
      broken_ = true;
    }
  }
}

void Exchange::send(const Reply& reply) {
  if (answer_delay_ms_ > 0) (void)wait(answer_delay_ms_);
  started_ = true;
  buffer_ = fmt::format("HTTP/1.1 {} {}\r\n", reply.status, reasonPhrase(reply.status));
  if (!reply.body.empty()) buffer_ += "content-type: " + reply.content_type + "\r\n";
  appendHeaders(buffer_, reply.headers);
  if (reply.status != 204) buffer_ += fmt::format("content-length: {}\r\n", reply.body.size());
  if (!keep_alive_) buffer_ += "connection: close\r\n";
  buffer_ += "\r\n";
  if (!head_ && reply.status != 204) buffer_ += reply.body;
  write(buffer_);
}

void Exchange::beginStream(int status, const HeaderList& headers, std::string_view content_type) {
  started_ = true;
  buffer_ = fmt::format("HTTP/1.1 {} {}\r\ncontent-type: {}\r\n", status, reasonPhrase(status),
                        content_type);
  appendHeaders(buffer_, headers);
  buffer_ += keep_alive_ ? "transfer-encoding: chunked\r\n\r\n"
                         : "transfer-encoding: chunked\r\nconnection: close\r\n\r\n";
  write(buffer_);
}

void Exchange::chunk(std::string_view data) {
  if (data.empty() || broken_) return;
  buffer_.clear();
  fmt::format_to(std::back_inserter(buffer_), "{:x}\r\n", data.size());
  buffer_ += data;
  buffer_ += "\r\n";
  write(buffer_);
}

void Exchange::endStream() {
  write("0\r\n\r\n");
}

bool Exchange::wait(int milliseconds) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
  while (!broken_ && !stopping) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return true;
    pollfd descriptor{socket_.impl()->sockfd(), POLLRDHUP, 0};
    const int ready = poll(&descriptor, 1, static_cast<int>(std::min<long>(left, kSlice)));
    if (ready > 0 && (descriptor.revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0) broken_ = true;
  }
  return false;
}

void Exchange::reset() {
  started_ = true;
  broken_ = true;
  // With a linger time of zero, close sends RST instead of FIN. On the raw descriptor, so that a
  // TLS layer says no goodbye.
  const linger now{1, 0};
  ::setsockopt(socket_.impl()->sockfd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void Exchange::cut() {
  started_ = true;
  broken_ = true;
  ::shutdown(socket_.impl()->sockfd(), SHUT_WR);
}

}  // namespace omni::sim
