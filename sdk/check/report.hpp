#pragma once
// The outcomes of all checks, and how they are shown. Not thread-safe.

#include <iosfwd>
#include <string>
#include <vector>

namespace omni::check {

enum class Outcome { Ok, Fail, Skip };

struct Finding {
  Outcome outcome = Outcome::Ok;
  std::string message;  // what was seen; may be empty when ok
};

inline Finding ok(std::string message = {}) {
  return {Outcome::Ok, std::move(message)};
}
inline Finding failed(std::string message) {
  return {Outcome::Fail, std::move(message)};
}
inline Finding skipped(std::string message) {
  return {Outcome::Skip, std::move(message)};
}

class Report {
 public:
  // `advice` says what to do; it is shown only when the check failed.
  void add(std::string id, Finding finding, std::string advice);
  bool passed() const;
  void writeText(std::ostream& out) const;
  void writeJson(std::ostream& out, const std::string& subject) const;

 private:
  struct Line {
    std::string id;
    Finding finding;
    std::string advice;
  };
  std::vector<Line> lines_;
};

}  // namespace omni::check
