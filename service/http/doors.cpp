#include "service/http/doors.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <utility>

#include "core/openai/codec.hpp"

namespace omni::http {
namespace {

constexpr size_t kMaxChatBody = 32u << 20;  // pictures come inline

const openai::ChatCodec kChat;

std::string modelList(const std::vector<ModelEntry>& models, int64_t created_s) {
  boost::json::array data;
  for (const ModelEntry& model : models) {
    boost::json::object entry{
        {"id", model.id}, {"object", "model"}, {"created", created_s}, {"owned_by", model.owner}};
    if (model.context_window > 0) entry["context_window"] = model.context_window;
    if (model.max_output > 0) entry["max_output_tokens"] = model.max_output;
    data.push_back(std::move(entry));
  }
  return boost::json::serialize(boost::json::object{{"object", "list"}, {"data", std::move(data)}});
}

}  // namespace

void addInferenceRoutes(RouteTable& routes, InferenceDeps deps) {
  const auto shared = std::make_shared<const InferenceDeps>(std::move(deps));

  Route chat;
  chat.method = "POST";
  chat.pattern = "/v1/chat/completions";
  chat.door = Door::Inference;
  chat.max_body = kMaxChatBody;
  chat.needs_json = true;
  chat.handler = [shared](Request& request, ResponseWriter& writer) {
    runInference(*shared, kChat, request, writer);
  };
  routes.push_back(std::move(chat));

  Route models;
  models.method = "GET";
  models.pattern = "/v1/models";
  models.door = Door::Inference;
  models.handler = [shared, created_s = shared->clock.nowMs() / 1000](Request& request,
                                                                      ResponseWriter& writer) {
    const auto list = shared->backend.models();
    if (!list) return sendApiError(writer, kChat, list.error(), request.request_id);
    writer.json(200, modelList(*list, created_s));
  };
  routes.push_back(std::move(models));
}

}  // namespace omni::http
