#include "plugins/openai/account.hpp"

#include <fmt/format.h>

#include "plugins/openai/base_url.hpp"
#include "plugins/openai/json.hpp"
#include "plugins/openai/upstream_error.hpp"

namespace omni::openai_upstream {
namespace {

constexpr int64_t kControlTimeoutMs = 20'000;

struct Model {
  std::string id;
  std::string name;
  int64_t context_window = -1;
  int64_t max_output = -1;
};

// Servers name the same limits differently.
int64_t firstOf(const json::object& object, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (const int64_t value = integerOf(object, name); value > 0) return value;
  return -1;
}

sdk::Result<std::vector<Model>> fetchModels(sdk::Call& call, const Account& account) {
  sdk::HttpRequest request;
  request.method = "GET";
  request.url = account.base_url + "/models";
  request.headers = account.headers;
  request.headers.push_back({"Accept", "application/json"});
  request.idempotent = true;
  request.first_byte_timeout_ms = kControlTimeoutMs;
  auto response = call.fetch(request);
  if (!response) return std::unexpected(std::move(response.error()));
  if (response->status != 200) return std::unexpected(httpFailure(*response));
  const auto document = parseObject(response->body);
  const auto* list = document ? arrayOf(*document, "data") : nullptr;
  if (!list)
    return sdk::fail(
        OMNI_FAILURE_PROTOCOL,
        fmt::format("{}/models sent no list of models; is the base URL right?", account.base_url));
  std::vector<Model> models;
  for (const auto& entry : *list) {
    const auto* model = entry.if_object();
    if (!model || textOf(*model, "id").empty()) continue;
    models.push_back(
        {std::string(textOf(*model, "id")), std::string(textOf(*model, "name")),
         firstOf(*model, {"context_length", "context_window", "max_model_len", "contextWindow"}),
         firstOf(*model, {"max_output_tokens", "max_completion_tokens", "maxOutput"})});
  }
  return models;
}

// One token is enough to see that key, model and endpoint fit together.
sdk::Result<> probe(sdk::Call& call, const Account& account, std::string_view model) {
  const std::string body = json::serialize(
      json::object{{"model", jsonView(model)},
                   {"messages", json::array{json::object{{"role", "user"}, {"content", "ping"}}}},
                   {"max_tokens", 1},
                   {"stream", false}});
  sdk::HttpRequest request;
  request.url = account.base_url + "/chat/completions";
  request.headers = account.headers;
  request.headers.push_back({"Content-Type", "application/json"});
  request.body = body;
  auto response = call.fetch(request);
  if (!response) return std::unexpected(std::move(response.error()));
  if (response->status != 200) return std::unexpected(httpFailure(*response));
  return {};
}

}  // namespace

sdk::Result<Account> readAccount(sdk::Call& call) {
  Account account;
  const auto url = call.value("baseUrl");
  if (!url) return sdk::fail(OMNI_FAILURE_INTERNAL, "the account has no base URL; import it again");
  // Looked at again, because the setting that allowed it may be gone.
  auto parsed = parseBaseUrl(*url, call.host().setting("allowHttpHosts").value_or(""));
  if (!parsed) {
    parsed.error().kind = OMNI_FAILURE_NOT_AUTHORIZED;
    return std::unexpected(std::move(parsed.error()));
  }
  account.base_url = std::move(parsed->text);
  account.default_model = call.value("defaultModel").value_or("");
  json::error_code code;
  if (const json::value list = json::parse(call.value("models").value_or("[]"), code);
      !code && list.is_array())
    for (const auto& entry : list.get_array())
      if (entry.is_string()) account.models.emplace_back(viewOf(entry.get_string()));
  account.headers.push_back({"User-Agent", "OmniRoute/" OMNI_OPENAI_VERSION});
  if (const auto key = call.value("apiKey"); key && !key->empty())
    account.headers.push_back({"Authorization", "Bearer " + *key});
  if (const auto extra = parseObject(call.value("headers").value_or("{}")))
    for (const auto& entry : *extra) {
      if (!entry.value().is_string()) continue;
      sdk::Header header{std::string(entry.key()), std::string(viewOf(entry.value().get_string()))};
      // The operator's own User-Agent replaces ours rather than standing beside it.
      std::erase_if(account.headers, [&](const sdk::Header& h) {
        sdk::HttpResponse lookup;
        lookup.headers = {h};
        return !lookup.header(header.name).empty();
      });
      account.headers.push_back(std::move(header));
    }
  return account;
}

sdk::Result<std::string> describeAccount(sdk::Call& call) {
  json::object out{
      {"authMethod", "api_key"},
      {"isolation", "none_needed"},
      {"isolationReason", "An API key is no session: nothing another account does can end it."}};
  for (const char* name : {"baseUrl", "defaultModel"})
    if (const auto value = call.value(name); value && !value->empty()) out[name] = *value;
  json::error_code code;
  if (json::value list = json::parse(call.value("models").value_or("[]"), code);
      !code && list.is_array() && !list.get_array().empty())
    out["models"] = std::move(list);
  out["hasApiKey"] = !call.value("apiKey").value_or("").empty();
  json::array names;
  if (const auto extra = parseObject(call.value("headers").value_or("{}")))
    for (const auto& entry : *extra) names.push_back(json::string(entry.key()));
  if (!names.empty()) out["headerNames"] = std::move(names);
  return json::serialize(out);
}

sdk::Result<std::string> testAccount(sdk::Call& call, std::string_view input) {
  auto account = readAccount(call);
  if (!account) return std::unexpected(std::move(account.error()));
  json::array checks;
  const auto add = [&](std::string_view name, const sdk::Failure* failure, std::string_view good) {
    checks.push_back(
        json::object{{"name", jsonView(name)},
                     {"ok", failure == nullptr},
                     {"message", jsonView(failure ? std::string_view(failure->message) : good)}});
  };
  auto models = fetchModels(call, *account);
  if (!models && models.error().cancelled) return std::unexpected(std::move(models.error()));
  // Not every server has /models; a list of one's own stands in for it.
  const bool optional = !account->models.empty() || !account->default_model.empty();
  if (!models && optional && models.error().upstream_status == 404)
    add("models", nullptr, "the server lists no models; the account's own list is used");
  else
    add("models", models ? nullptr : &models.error(),
        models ? fmt::format("the server answered and lists {} models", models->size()) : "");
  const auto options = parseObject(input.empty() ? "{}" : input);
  const auto* wanted = options ? options->if_contains("probe") : nullptr;
  if (wanted && wanted->is_bool() && wanted->get_bool()) {
    auto model = chooseModel(call, *account);
    auto done = model ? probe(call, *account, *model) : std::unexpected(model.error());
    if (!done && done.error().cancelled) return std::unexpected(std::move(done.error()));
    add("completion", done ? nullptr : &done.error(),
        model ? fmt::format("{} answered", *model) : "");
  }
  return json::serialize(json::object{{"checks", std::move(checks)}});
}

sdk::Result<std::string> listModels(sdk::Call& call) {
  auto account = readAccount(call);
  if (!account) return std::unexpected(std::move(account.error()));
  json::array out;
  if (!account->models.empty()) {
    for (const auto& id : account->models) out.push_back(json::object{{"id", id}, {"name", id}});
  } else {
    auto models = fetchModels(call, *account);
    if (!models) return std::unexpected(std::move(models.error()));
    for (const Model& model : *models) {
      json::object entry{{"id", model.id}, {"name", model.name.empty() ? model.id : model.name}};
      if (model.context_window > 0) entry["contextWindow"] = model.context_window;
      if (model.max_output > 0) entry["maxOutput"] = model.max_output;
      out.push_back(std::move(entry));
    }
  }
  return json::serialize(json::object{{"models", std::move(out)}});
}

sdk::Result<std::string> chooseModel(sdk::Call& call, const Account& account) {
  if (!account.default_model.empty()) return account.default_model;
  if (!account.models.empty()) return account.models.front();
  auto models = fetchModels(call, account);
  if (!models) return std::unexpected(std::move(models.error()));
  if (models->empty())
    return sdk::fail(OMNI_FAILURE_MODEL_UNAVAILABLE,
                     "the server lists no model; name one in the request or give the account a "
                     "default model");
  return models->front().id;
}

}  // namespace omni::openai_upstream
