#pragma once
// Takes down what is said in one request, for the request log; exists only when that is switched
// on.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/chat/model.hpp"
#include "core/ports/request_log.hpp"

namespace omni::http {

// Not thread-safe; `clean` is borrowed, and may be empty. Keeps at most `limit` bytes of either
// text, cut between characters. Of a long body the beginning and the end are kept: what was asked
// last stands there. Headers are never seen. `clean` takes secrets out of either text, of the body
// before it is cut: half a token is not known for one.
class ContentTap {
 public:
  using Clean = std::function<std::string(std::string_view)>;
  ContentTap(size_t limit, std::string_view body, const Clean& clean);
  void see(const chat::ChatEvent& event);
  // Once, when nothing more comes.
  std::shared_ptr<const RequestContent> take();

 private:
  void begin(chat::EventKind kind, std::string_view heading);
  void add(std::string_view text);

  const size_t limit_;
  const Clean& clean_;
  std::shared_ptr<RequestContent> content_;
  chat::EventKind section_ = chat::EventKind::Text;
  size_t kept_ = 0;  // of the answer's own bytes
  bool full_ = false;
};

}  // namespace omni::http
