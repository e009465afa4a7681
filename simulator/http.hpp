#pragma once

#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/StreamSocket.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace omni::sim {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;   // as received, without the query
  std::string query;  // undecoded
  std::string body;
  HeaderList headers;
  std::string peer = {};  // whose connection it came on: tells a proxy from a direct caller

  std::string header(std::string_view name) const;
  std::string parameter(std::string_view name) const;
};

struct Reply {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  HeaderList headers = {};
};

std::string reasonPhrase(int status);
std::string percentDecode(std::string_view text);
std::string percentEncode(std::string_view text);
HeaderList parseForm(std::string_view text);
std::string formValue(const HeaderList& form, std::string_view name);

// The answer side of one request. It writes to the socket itself, because this server must be able
// to misbehave on purpose: cut a chunked body, reset the connection, split a frame anywhere.
class Exchange {
 public:
  Exchange(const Poco::Net::StreamSocket& socket, bool keep_alive, bool head);

  void send(const Reply& reply);
  void beginStream(int status, const HeaderList& headers, std::string_view content_type);
  void chunk(std::string_view data);  // one HTTP chunk, one write
  void endStream();

  // Waits; false as soon as the client is gone or the program is to stop.
  bool wait(int milliseconds);
  // What is asked happens at once; its answer waits as wait() does.
  void delayAnswer(int milliseconds) { answer_delay_ms_ = milliseconds; }
  void reset();  // TCP RST
  void cut();    // FIN with the chunked body unfinished

  bool broken() const { return broken_; }
  bool keepAlive() const { return keep_alive_ && !broken_; }
  bool started() const { return started_; }

 private:
  void write(std::string_view data);

  Poco::Net::StreamSocket socket_;
  bool keep_alive_;
  bool head_;
  bool broken_ = false;
  bool started_ = false;
  int answer_delay_ms_ = 0;
  std::string buffer_;
};

// Set once, at the end of the program: ends every wait.
void stopAllExchanges();

}  // namespace omni::sim
