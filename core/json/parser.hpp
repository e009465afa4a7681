#pragma once
// Fills a Document. Internal to core/json.

#include <string>
#include <string_view>
#include <vector>

#include "core/json/document.hpp"

namespace omni::json {

class Parser {
 public:
  explicit Parser(Document& document) : document_(document), text_(document.text_) {}
  Result<> run();

 private:
  struct Failure {
    size_t at;
    std::string what;
    bool with_path;
  };
  [[noreturn]] void fail(size_t at, std::string what, bool with_path = false) const {
    throw Failure{at, std::move(what), with_path};
  }

  void parse();
  void container(Kind kind);
  void string(bool is_key);
  void escape();
  void utf8();
  void number();
  void word(std::string_view word, Kind kind);
  void closeContainer();
  void checkKeys(uint32_t object);
  void afterValue();
  void space();
  bool has() const { return at_ < text_.size(); }
  char here() const { return text_[at_]; }
  uint32_t open(Kind kind);

  Document& document_;
  const std::string& text_;
  size_t at_ = 0;
  std::vector<uint32_t> stack_;  // the containers that are open
  std::vector<uint32_t> last_;   // per open container: its newest child; 0: none
  std::vector<std::string_view> keys_;
};

// Four hex digits at `at`; -1 when there are not.
int hex4(std::string_view text, size_t at);
void appendUtf8(std::string& out, uint32_t code);

}  // namespace omni::json
