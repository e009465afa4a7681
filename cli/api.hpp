#pragma once
// The service's HTTP API from outside. One connection a call; one thread. Nothing throws.

#include <boost/json/value.hpp>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

namespace omni::cli {

// Exit codes of the program; `omniroute help exit-codes` and the man page list them.
enum Exit : int {
  kOk = 0,
  kFailed = 1,       // the service refused or failed
  kUsage = 2,        // the command line was wrong
  kUnreachable = 3,  // no service there
  kNotAllowed = 4,   // key missing or refused
  kNotFound = 5,
  kConflict = 6,
  kAttention = 7,  // it works, but something needs attention (status, doctor, health)
  kInterrupted = 130,
};

struct Problem {
  int exit = kFailed;
  int status = 0;  // HTTP; 0: no answer
  std::string message;
  std::string code;
  std::string field;
};
template <typename T>
using Done = std::expected<T, Problem>;

struct Answer {
  int status = 0;
  std::string body;
  boost::json::value json;  // null when it is no JSON
  std::string connection;   // x-omniroute-connection
  std::string date;         // as the server sent it
};

class Api {
 public:
  // `base` like http://127.0.0.1:20128 or https://host/sub-path. An empty key sends none.
  Api(std::string base, std::string key);
  const std::string& base() const { return base_; }

  // 2xx, else a Problem with the service's own message. `what` is what a too old service would
  // miss, e.g. "proxies". `version`: of the thing as it was read (If-Match); empty: any.
  Done<Answer> call(std::string_view method, std::string_view path,
                    const boost::json::value* body = nullptr, std::string_view what = {},
                    std::string_view version = {}) const;
  Done<Answer> get(std::string_view path, std::string_view what = {}) const {
    return call("GET", path, nullptr, what);
  }
  Done<Answer> post(std::string_view path, const boost::json::value& body,
                    std::string_view what = {}) const {
    return call("POST", path, &body, what);
  }
  // Line by line as it comes (server-sent events, JSON lines), until on_line returns false or the
  // end.
  Done<Answer> stream(std::string_view method, std::string_view path,
                      const boost::json::value* body,
                      const std::function<bool(std::string_view)>& on_line,
                      std::string_view what = {}) const;
  // The body goes to / comes from files of any size: backups.
  Done<Answer> download(std::string_view method, std::string_view path,
                        const boost::json::value* body, std::ostream& into,
                        std::string_view what) const;
  Done<Answer> upload(std::string_view path, std::string_view content_type, std::string_view body,
                      std::string_view what) const;

 private:
  using Reader = std::function<void(std::istream&, Answer&)>;
  Done<Answer> exchange(std::string_view method, std::string_view path,
                        std::string_view content_type, std::string_view body, bool patient,
                        const Reader& read, std::string_view what,
                        std::string_view version = {}) const;

  std::string base_;
  std::string key_;
};

// A segment of a path.
std::string escaped(std::string_view segment);

}  // namespace omni::cli
