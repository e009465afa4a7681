#pragma once
// How a handler sees one HTTP exchange. Poco stays behind service/http; handlers of every door are
// written against this.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports/cancel.hpp"

namespace omni::http {

struct Request {
  std::string method;
  std::string path;                               // decoded, without the query
  std::multimap<std::string, std::string> query;  // decoded
  std::map<std::string, std::string> params;      // from the pattern's {name}s, decoded
  std::string body;                               // whole, within the route's limit
  std::string remote_address;
  std::string request_id;  // also sent back as x-request-id
  bool loopback = false;   // the peer is this machine
  bool secure = false;     // came over TLS that ends here
  std::string caller;  // who asks ("key:laptop"), set by ServerOptions::authorize; empty: unknown
  std::string caller_id;                                // the API key's id; empty: no key
  std::function<std::string(std::string_view)> header;  // case-insensitive; "" when absent
};

// How an event stream begins when its handler stays silent, see ResponseWriter::planStream().
struct StreamPlan {
  int status = 200;
  std::string content_type;
  std::string keep_alive;  // a whole frame
};

// One answer: either send() once, or startStream() and then write() until done. Not thread-safe.
// Headers are late: setHeader works until send()/startStream(). The destructor's owner turns
// "nothing sent" into a 500 and an unfinished stream into an aborted connection, never a clean end.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;
  virtual void setHeader(std::string name, std::string value) = 0;
  virtual void send(int status, std::string_view content_type, std::string_view body) = 0;
  virtual bool startStream(int status, std::string_view content_type) = 0;
  // Sends now, as one chunk. False: the client is gone or too slow; stop.
  virtual bool write(std::string_view bytes) = 0;
  // A clean end; `last` leaves in the same write.
  virtual void endStream(std::string_view last = {}) = 0;
  // From now on, after ServerOptions::commit_after_ms of silence, the writer itself starts the
  // stream with the headers set so far and sends plan.keep_alive; also later, whenever the stream
  // is silent for ServerOptions::keep_alive_comment_ms. committed() may thus turn true at any time
  // until settle(); startStream() then succeeds all the same, and send() does nothing.
  virtual void planStream(const StreamPlan& plan) { (void)plan; }
  // Ends the plan: afterwards committed() changes by the handler's own calls only.
  virtual void settle() {}
  virtual bool committed() const = 0;
  // Cancelled when the client is gone (seen within a second, also between writes) or the drain
  // deadline has passed.
  virtual const CancelToken& cancel() const = 0;

  void json(int status, std::string_view body) { send(status, "application/json", body); }
};

enum class Door { Inference, Admin, Health };  // pool and error shape

struct Route {
  std::string method;
  std::string pattern;  // "/api/providers/{id}"
  Door door = Door::Admin;
  size_t max_body = 1u << 20;
  bool needs_json = false;  // 415 unless Content-Type is application/json
  std::function<void(Request&, ResponseWriter&)> handler;  // may move the body out
  // How a refusal by ServerOptions::authorize is answered here (headers are set already); empty: in
  // the form of the admin API.
  std::function<void(const Error&, const Request&, ResponseWriter&)> refuse;
};

using RouteTable = std::vector<Route>;

}  // namespace omni::http
