#pragma once
// The Anthropic messages API as the inference pipeline runs it.

#include "core/chat/codec.hpp"

namespace omni::anthropic {

class MessagesCodec final : public chat::ApiCodec {
 public:
  std::string_view api() const override { return "messages"; }
  Result<std::unique_ptr<chat::ApiCall>> decode(std::string body) const override;
  int errorStatus(const Error& error) const override;
  std::string errorBody(const Error& error, std::string_view request_id) const override;
  std::string_view keepAlive() const override {
    return "event: ping\ndata: {\"type\":\"ping\"}\n\n";
  }
  std::string_view requestIdHeader() const override { return "request-id"; }
};

}  // namespace omni::anthropic
