#include "core/openai/codec.hpp"

#include "core/errors/error_table.hpp"
#include "core/openai/decode.hpp"
#include "core/openai/encode.hpp"

namespace omni::openai {
namespace {

std::string answerId(const chat::AnswerHead& head) {
  return "chatcmpl-" + std::string(head.id.substr(0, 24));
}

class Call final : public chat::ApiCall {
 public:
  std::unique_ptr<chat::StreamEncoder> stream(const chat::AnswerHead& head) const override {
    return std::make_unique<StreamEncoder>(answerId(head), head.created_s,
                                           std::string(request.model), request.include_usage);
  }
  std::unique_ptr<chat::AnswerCollector> whole(const chat::AnswerHead& head) const override {
    return std::make_unique<Collector>(answerId(head), head.created_s, std::string(request.model));
  }
};

}  // namespace

Result<std::unique_ptr<chat::ApiCall>> ChatCodec::decode(std::string body) const {
  auto request = decodeChatCompletion(std::move(body));
  if (!request) return std::unexpected(std::move(request.error()));
  auto call = std::make_unique<Call>();
  call->request = std::move(*request);
  return call;
}

int ChatCodec::errorStatus(const Error& error) const {
  return httpStatus(error);
}

std::string ChatCodec::errorBody(const Error& error, std::string_view) const {
  return openaiErrorBody(error);
}

}  // namespace omni::openai
