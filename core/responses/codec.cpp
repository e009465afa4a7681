#include "core/responses/codec.hpp"

#include "core/errors/error_table.hpp"
#include "core/responses/decode.hpp"
#include "core/responses/encode.hpp"

namespace omni::responses {
namespace {

class Call final : public chat::ApiCall {
 public:
  std::unique_ptr<chat::StreamEncoder> stream(const chat::AnswerHead& head) const override {
    return std::make_unique<StreamEncoder>(std::string(head.id), head.created_s,
                                           std::string(request.model), echo);
  }
  std::unique_ptr<chat::AnswerCollector> whole(const chat::AnswerHead& head) const override {
    return std::make_unique<Collector>(std::string(head.id), head.created_s,
                                       std::string(request.model), echo);
  }

  Echo echo;
};

}  // namespace

Result<std::unique_ptr<chat::ApiCall>> ResponsesCodec::decode(std::string body) const {
  auto decoded = decodeResponse(std::move(body));
  if (!decoded) return std::unexpected(std::move(decoded.error()));
  auto call = std::make_unique<Call>();
  call->request = std::move(decoded->request);
  call->echo = decoded->echo;
  return call;
}

int ResponsesCodec::errorStatus(const Error& error) const {
  return httpStatus(error);
}

std::string ResponsesCodec::errorBody(const Error& error, std::string_view) const {
  return openaiErrorBody(error);
}

}  // namespace omni::responses
