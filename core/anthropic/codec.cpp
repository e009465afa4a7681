#include "core/anthropic/codec.hpp"

#include "core/anthropic/decode.hpp"
#include "core/anthropic/encode.hpp"
#include "core/anthropic/error.hpp"
#include "core/chat/estimate.hpp"

namespace omni::anthropic {
namespace {

class Call final : public chat::ApiCall {
 public:
  std::unique_ptr<chat::StreamEncoder> stream(const chat::AnswerHead& head) const override {
    return std::make_unique<StreamEncoder>(messageHead(head));
  }
  std::unique_ptr<chat::AnswerCollector> whole(const chat::AnswerHead& head) const override {
    return std::make_unique<Collector>(messageHead(head));
  }

 private:
  MessageHead messageHead(const chat::AnswerHead& head) const {
    return {"msg_" + std::string(head.id.substr(0, 24)), std::string(request.model),
            chat::estimateTokens(request), std::string(head.request_id)};
  }
};

}  // namespace

Result<std::unique_ptr<chat::ApiCall>> MessagesCodec::decode(std::string body) const {
  auto request = decodeMessages(std::move(body));
  if (!request) return std::unexpected(std::move(request.error()));
  auto call = std::make_unique<Call>();
  call->request = std::move(*request);
  return call;
}

int MessagesCodec::errorStatus(const Error& error) const {
  return anthropic::errorStatus(error);
}

std::string MessagesCodec::errorBody(const Error& error, std::string_view request_id) const {
  return anthropic::errorBody(error, request_id);
}

}  // namespace omni::anthropic
