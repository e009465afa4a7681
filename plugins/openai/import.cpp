#include "plugins/openai/import.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/openai/base_url.hpp"
#include "plugins/openai/json.hpp"
#include "plugins/openai/sha256.hpp"

namespace omni::openai_upstream {
namespace {

constexpr size_t kMaxModels = 1000;
constexpr size_t kMaxHeaders = 50;
constexpr size_t kMaxText = 8192;

std::unexpected<sdk::Failure> bad(std::string_view field, std::string message) {
  sdk::Failure failure;
  failure.kind = OMNI_FAILURE_BAD_REQUEST;
  failure.message = std::move(message);
  failure.field = field;
  return std::unexpected(std::move(failure));
}

std::string_view trim(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

bool hasControl(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// Absent and null are "".
sdk::Result<std::string> text(const json::object& form, std::string_view name) {
  const auto* found = form.if_contains(jsonView(name));
  if (!found || found->is_null()) return std::string();
  if (!found->is_string()) return bad(name, fmt::format("{} must be a text.", name));
  const auto value = trim(viewOf(found->get_string()));
  if (value.size() > kMaxText) return bad(name, fmt::format("{} is too long.", name));
  if (hasControl(value))
    return bad(name, fmt::format("{} must not hold control characters or line breaks.", name));
  return std::string(value);
}

sdk::Result<json::array> models(const json::object& form) {
  json::array out;
  const auto* found = form.if_contains("models");
  if (!found || found->is_null()) return out;
  const auto add = [&](std::string_view raw) -> sdk::Result<> {
    const auto id = trim(raw);
    if (id.empty()) return {};
    if (id.size() > 200 || hasControl(id)) return bad("models", "A model's id is not valid.");
    const json::value value(jsonView(id));
    if (std::ranges::find(out, value) == out.end()) out.push_back(value);
    if (out.size() > kMaxModels)
      return bad("models", fmt::format("models holds more than {} entries.", kMaxModels));
    return {};
  };
  if (found->is_string()) {
    std::string_view left = viewOf(found->get_string());
    while (!left.empty()) {
      const size_t end = std::min(left.find_first_of(",\n"), left.size());
      if (auto done = add(left.substr(0, end)); !done)
        return std::unexpected(std::move(done.error()));
      left.remove_prefix(std::min(end + 1, left.size()));
    }
    return out;
  }
  if (!found->is_array())
    return bad("models", "models must be a list of ids, or a text with commas between them.");
  for (const auto& entry : found->get_array()) {
    if (!entry.is_string()) return bad("models", "models must hold texts only.");
    if (auto done = add(viewOf(entry.get_string())); !done)
      return std::unexpected(std::move(done.error()));
  }
  return out;
}

sdk::Result<> addHeader(json::object& out, std::string_view name, std::string_view value,
                        bool has_key) {
  const bool token = !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(c);
  });
  if (!token) return bad("headers", "Each line of headers must be \"Name: value\".");
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  for (std::string_view own : {"host", "content-length", "content-type", "connection", "accept",
                               "transfer-encoding", "te", "upgrade", "trailer", "expect"})
    if (lower == own)
      return bad("headers", fmt::format("The header {} is set by the service itself.", name));
  if (lower == "authorization" && has_key)
    return bad("headers", "Authorization is made from apiKey; give one of the two.");
  if (value.size() > kMaxText || hasControl(value))
    return bad("headers", fmt::format("The value of the header {} is not valid.", name));
  if (out.size() >= kMaxHeaders)
    return bad("headers", fmt::format("headers holds more than {} entries.", kMaxHeaders));
  out[jsonView(name)] = jsonView(value);
  return {};
}

sdk::Result<json::object> headers(const json::object& form, bool has_key) {
  json::object out;
  const auto* found = form.if_contains("headers");
  if (!found || found->is_null()) return out;
  if (const auto* object = found->if_object()) {
    for (const auto& entry : *object) {
      if (!entry.value().is_string()) return bad("headers", "Header values must be texts.");
      if (auto done = addHeader(out, std::string_view(entry.key().data(), entry.key().size()),
                                trim(viewOf(entry.value().get_string())), has_key);
          !done)
        return std::unexpected(std::move(done.error()));
    }
    return out;
  }
  if (!found->is_string())
    return bad("headers", "headers must be an object, or a text with one \"Name: value\" a line.");
  std::string_view left = viewOf(found->get_string());
  while (!left.empty()) {
    const size_t end = std::min(left.find('\n'), left.size());
    if (const auto line = trim(left.substr(0, end)); !line.empty()) {
      const size_t colon = std::min(line.find(':'), line.size());
      const auto value = trim(line.substr(std::min(colon + 1, line.size())));
      if (colon == line.size())
        return bad("headers", "Each line of headers must be \"Name: value\".");
      if (auto done = addHeader(out, trim(line.substr(0, colon)), value, has_key); !done)
        return std::unexpected(std::move(done.error()));
    }
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return out;
}

}  // namespace

sdk::Result<std::string> importAccount(sdk::Call& call, std::string_view input) {
  const auto form = parseObject(input);
  if (!form) return bad("body", "The sign-in form must be a JSON object.");
  for (const auto& entry : *form) {
    const std::string_view name(entry.key().data(), entry.key().size());
    if (name != "baseUrl" && name != "apiKey" && name != "defaultModel" && name != "models" &&
        name != "headers" && name != "region")
      return bad(name, fmt::format("There is no member \"{}\"; known are baseUrl, apiKey, "
                                   "defaultModel, models and headers.",
                                   name.substr(0, 100)));
  }
  auto url_text = text(*form, "baseUrl");
  if (!url_text) return std::unexpected(std::move(url_text.error()));
  auto url = parseBaseUrl(*url_text, call.host().setting("allowHttpHosts").value_or(""));
  if (!url) return std::unexpected(std::move(url.error()));
  auto key = text(*form, "apiKey");
  if (!key) return std::unexpected(std::move(key.error()));
  auto default_model = text(*form, "defaultModel");
  if (!default_model) return std::unexpected(std::move(default_model.error()));
  auto list = models(*form);
  if (!list) return std::unexpected(std::move(list.error()));
  auto extra = headers(*form, !key->empty());
  if (!extra) return std::unexpected(std::move(extra.error()));

  const std::string extra_text = json::serialize(*extra);
  std::vector<sdk::Change> changes;
  changes.push_back({"baseUrl", url->text, false});
  changes.push_back({"authMethod", "api_key", false});
  changes.push_back({"isolation", "none_needed", false});
  changes.push_back({"isolationReason",
                     "An API key is no session: nothing another account does can end it.", false});
  if (!key->empty()) changes.push_back({"apiKey", *key, true});
  if (!default_model->empty()) changes.push_back({"defaultModel", *default_model, false});
  if (!list->empty()) changes.push_back({"models", json::serialize(*list), false});
  if (!extra->empty()) changes.push_back({"headers", extra_text, true});
  changes.push_back({"fingerprint", sha256Hex(url->text + "\n" + *key + "\n" + extra_text), false});
  if (auto saved = call.commit(changes); !saved) return std::unexpected(std::move(saved.error()));
  return json::serialize(json::object{{"label", url->host}});
}

}  // namespace omni::openai_upstream
