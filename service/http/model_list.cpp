#include "service/http/model_list.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "core/anthropic/codec.hpp"
#include "core/errors/error_table.hpp"
#include "core/openai/codec.hpp"

namespace omni::http {
namespace {

const openai::ChatCodec kOpenAi;
const anthropic::MessagesCodec kAnthropic;

const chat::ApiCodec& codecFor(const Request& request) {
  return speaksAnthropic(request) ? static_cast<const chat::ApiCodec&>(kAnthropic) : kOpenAi;
}

void appendLimits(std::string& out, const ModelEntry& model, std::string_view context,
                  std::string_view output) {
  if (model.context_window > 0) out += fmt::format(",\"{}\":{}", context, model.context_window);
  if (model.max_output > 0) out += fmt::format(",\"{}\":{}", output, model.max_output);
  out += '}';
}

void appendOpenAi(std::string& out, const ModelEntry& model, int64_t created_s) {
  out += "{\"id\":";
  appendJsonString(out, model.id);
  out += fmt::format(",\"object\":\"model\",\"created\":{},\"owned_by\":", created_s);
  appendJsonString(out, model.owner);
  appendLimits(out, model, "context_window", "max_output_tokens");
}

void appendAnthropic(std::string& out, const ModelEntry& model, int64_t created_s) {
  out += "{\"type\":\"model\",\"id\":";
  appendJsonString(out, model.id);
  out += ",\"display_name\":";
  appendJsonString(out, model.id);
  out += fmt::format(",\"created_at\":\"{:%FT%TZ}\"", fmt::gmtime(created_s));
  appendLimits(out, model, "max_input_tokens", "max_tokens");
}

Error badQuery(std::string_view name, std::string_view what) {
  Error error;
  error.kind = FailureKind::BadRequest;
  error.field = name;
  error.message = fmt::format("the query parameter {} {}", name, what);
  return error;
}

// A key that is limited to some models is not shown the others.
Result<std::vector<ModelEntry>> visibleModels(const InferenceDeps& deps, const Request& request) {
  auto models = deps.backend.models();
  if (models && deps.hooks.visible)
    std::erase_if(*models,
                  [&](const ModelEntry& entry) { return !deps.hooks.visible(request, entry); });
  return models;
}

struct Page {
  size_t first = 0;
  size_t end = 0;
};

// Which entries the query asks for.
Result<Page> pageOf(const Request& request, const std::vector<ModelEntry>& models) {
  const auto value = [&](const char* name) -> const std::string* {
    const auto found = request.query.find(name);
    return found == request.query.end() ? nullptr : &found->second;
  };
  constexpr size_t kMost = 1000;
  size_t limit = kMost;
  if (const std::string* text = value("limit")) {
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (code != std::errc() || end != text->data() + text->size() || limit < 1 || limit > kMost)
      return std::unexpected(badQuery("limit", "must be a whole number from 1 to 1000"));
  }
  const std::string* after = value("after_id");
  const std::string* before = value("before_id");
  if (after && before)
    return std::unexpected(badQuery("before_id", "cannot be combined with after_id"));
  const std::string* cursor = after ? after : before;
  if (!cursor) return Page{0, std::min(limit, models.size())};
  const auto found = std::ranges::find(models, *cursor, &ModelEntry::id);
  if (found == models.end())
    return std::unexpected(badQuery(after ? "after_id" : "before_id", "names no model"));
  const auto at = static_cast<size_t>(found - models.begin());
  if (after) return Page{at + 1, std::min(at + 1 + limit, models.size())};
  return Page{at > limit ? at - limit : 0, at};
}

void list(const InferenceDeps& deps, int64_t created_s, Request& request, ResponseWriter& writer) {
  const auto models = visibleModels(deps, request);
  if (!models) return sendApiError(writer, codecFor(request), models.error(), request.request_id);
  std::string out;
  if (!speaksAnthropic(request)) {
    out = "{\"object\":\"list\",\"data\":[";
    for (size_t i = 0; i < models->size(); ++i) {
      if (i > 0) out += ',';
      appendOpenAi(out, (*models)[i], created_s);
    }
    return writer.json(200, out + "]}");
  }
  const auto page = pageOf(request, *models);
  if (!page) return sendApiError(writer, kAnthropic, page.error(), request.request_id);
  out = "{\"data\":[";
  for (size_t i = page->first; i < page->end; ++i) {
    if (i > page->first) out += ',';
    appendAnthropic(out, (*models)[i], created_s);
  }
  const bool backwards = request.query.contains("before_id");
  const bool more = backwards ? page->first > 0 : page->end < models->size();
  out += fmt::format("],\"has_more\":{}", more);
  for (const auto& [name, at] :
       {std::pair<const char*, size_t>{"first_id", page->first}, {"last_id", page->end - 1}}) {
    out += fmt::format(",\"{}\":", name);
    if (page->first < page->end)
      appendJsonString(out, (*models)[at].id);
    else
      out += "null";
  }
  writer.json(200, out + "}");
}

void one(const InferenceDeps& deps, int64_t created_s, Request& request, ResponseWriter& writer) {
  const auto models = visibleModels(deps, request);
  if (!models) return sendApiError(writer, codecFor(request), models.error(), request.request_id);
  const std::string& id = request.params["id"];
  const auto found = std::ranges::find(*models, id, &ModelEntry::id);
  if (found == models->end()) {
    Error error;
    error.kind = FailureKind::ModelUnavailable;
    error.field = "model";
    error.message = fmt::format("there is no model \"{}\"; GET /v1/models lists what there is",
                                id.substr(0, 200));
    return sendApiError(writer, codecFor(request), error, request.request_id);
  }
  std::string out;
  if (speaksAnthropic(request))
    appendAnthropic(out, *found, created_s);
  else
    appendOpenAi(out, *found, created_s);
  writer.json(200, out);
}

}  // namespace

bool speaksAnthropic(const Request& request) {
  return request.header && !request.header("anthropic-version").empty();
}

void addModelRoutes(RouteTable& routes, const std::shared_ptr<const InferenceDeps>& deps) {
  // Nobody says when a model was made; that of the service's start at least does not move.
  const int64_t created_s = deps->clock.nowMs() / 1000;
  const auto refuse = [](const Error& error, const Request& request, ResponseWriter& writer) {
    sendApiError(writer, codecFor(request), error, request.request_id);
  };
  Route route;
  route.method = "GET";
  route.pattern = "/v1/models";
  route.door = Door::Inference;
  route.refuse = refuse;
  route.handler = [deps, created_s](Request& request, ResponseWriter& writer) {
    list(*deps, created_s, request, writer);
  };
  routes.push_back(route);
  // A model's name holds slashes, sent as they are or encoded.
  route.pattern = "/v1/models/{id*}";
  route.handler = [deps, created_s](Request& request, ResponseWriter& writer) {
    one(*deps, created_s, request, writer);
  };
  routes.push_back(std::move(route));
}

}  // namespace omni::http
