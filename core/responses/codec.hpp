#pragma once
// The OpenAI responses API as the inference pipeline runs it.

#include "core/chat/codec.hpp"

namespace omni::responses {

class ResponsesCodec final : public chat::ApiCodec {
 public:
  std::string_view api() const override { return "responses"; }
  Result<std::unique_ptr<chat::ApiCall>> decode(std::string body) const override;
  int errorStatus(const Error& error) const override;
  std::string errorBody(const Error& error, std::string_view request_id) const override;
  std::string_view keepAlive() const override { return ": keep-alive\n\n"; }
};

}  // namespace omni::responses
