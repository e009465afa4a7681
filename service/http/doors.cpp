#include "service/http/doors.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "core/anthropic/codec.hpp"
#include "core/anthropic/decode.hpp"
#include "core/chat/estimate.hpp"
#include "core/openai/codec.hpp"
#include "core/responses/codec.hpp"
#include "service/http/model_list.hpp"

namespace omni::http {
namespace {

constexpr size_t kMaxChatBody = 32u << 20;  // pictures come inline

const openai::ChatCodec kChat;
const anthropic::MessagesCodec kMessages;
const responses::ResponsesCodec kResponses;

Route door(std::string pattern, const chat::ApiCodec& codec) {
  Route route;
  route.method = "POST";
  route.pattern = std::move(pattern);
  route.door = Door::Inference;
  route.max_body = kMaxChatBody;
  route.needs_json = true;
  route.refuse = [&codec](const Error& error, const Request& request, ResponseWriter& writer) {
    sendApiError(writer, codec, error, request.request_id);
  };
  return route;
}

// Asks nobody upstream: an estimate by size.
void countTokens(Request& request, ResponseWriter& writer) {
  const auto decoded = anthropic::decodeMessages(std::move(request.body));
  if (!decoded) return sendApiError(writer, kMessages, decoded.error(), request.request_id);
  writer.json(200, fmt::format("{{\"input_tokens\":{}}}", chat::estimateTokens(*decoded)));
}

}  // namespace

void addInferenceRoutes(RouteTable& routes, InferenceDeps deps) {
  const auto shared = std::make_shared<const InferenceDeps>(std::move(deps));
  const auto add = [&](std::string pattern, const chat::ApiCodec& codec) {
    Route route = door(std::move(pattern), codec);
    route.handler = [shared, &codec](Request& request, ResponseWriter& writer) {
      runInference(*shared, codec, request, writer);
    };
    routes.push_back(std::move(route));
  };
  add("/v1/chat/completions", kChat);
  add("/v1/messages", kMessages);
  add("/v1/responses", kResponses);

  Route count = door("/v1/messages/count_tokens", kMessages);
  count.handler = countTokens;
  routes.push_back(std::move(count));

  addModelRoutes(routes, shared);
}

}  // namespace omni::http
