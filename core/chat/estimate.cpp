#include "core/chat/estimate.hpp"

namespace omni::chat {
namespace {

struct Size {
  int64_t bytes = 0;
  int64_t tokens = 0;

  void add(const Part& part) {
    if (part.kind == PartKind::Image) {
      constexpr int64_t kPicture = 1600;
      tokens += kPicture;
      return;
    }
    bytes += static_cast<int64_t>(part.text.size() + part.name.size() + part.data.size());
    for (const Part& child : part.children) add(child);
  }
};

}  // namespace

int64_t estimateTokens(const ChatRequest& request) {
  constexpr int64_t kAround = 4;
  constexpr int64_t kBytesPerToken = 4;
  Size size;
  for (const Message& message : request.messages) {
    size.tokens += kAround;
    for (const Part& part : message.parts) size.add(part);
  }
  for (const Tool& tool : request.tools) {
    size.tokens += kAround;
    size.bytes +=
        static_cast<int64_t>(tool.name.size() + tool.description.size() + tool.schema.size());
  }
  return size.tokens + (size.bytes + kBytesPerToken - 1) / kBytesPerToken;
}

}  // namespace omni::chat
