// A plugin to copy: it sends the last user text to an HTTP endpoint and streams what comes back as
// text. Replace the wire format by your provider's; the frame around it can stay.

#include <omniroute/json_text.hpp>
#include <omniroute/sdk.hpp>

#include <string>

namespace {

using namespace omni::sdk;

constexpr const char* kDefaultEndpoint = "https://upstream.invalid/chat";

// What an HTTP status means for the account and the client. The host decides by the kind whether to
// try another account, to cool this one down or to answer the client: be exact here.
Failure failureOf(const HttpResponse& head) {
  Failure failure;
  failure.upstream_status = head.status;
  if (head.status == 401) {
    failure.kind = OMNI_FAILURE_REAUTH_REQUIRED;
    failure.message = "The API key was refused. Add the account again with a valid key.";
  } else if (head.status == 429) {
    failure.kind = OMNI_FAILURE_RATE_LIMITED;
    failure.message = "The provider asks for fewer requests. Try again later.";
  } else if (head.status >= 500) {
    failure.kind = OMNI_FAILURE_UPSTREAM;
    failure.message = "The provider has a problem of its own. Try again.";
  } else {
    failure.kind = OMNI_FAILURE_BAD_REQUEST;
    failure.message = "The provider refused the request.";
  }
  return failure;
}

std::string lastUserText(const omni_request_t& request) {
  std::string text;
  for (size_t i = 0; i < request.message_count; ++i) {
    const omni_message_t& message = at(request.messages, i, request.message_size);
    if (message.role != OMNI_ROLE_USER) continue;
    text.clear();
    for (size_t p = 0; p < message.part_count; ++p) {
      const omni_part_t& part = at(message.parts, p, request.part_size);
      if (part.kind == OMNI_PART_TEXT) text += toView(part.text);
    }
  }
  return text;
}

class TemplateProvider final : public Provider {
 public:
  // Runs once. No account is known yet: do not go to the network.
  explicit TemplateProvider(Host host)
      : endpoint_(host.setting("endpoint").value_or(kDefaultEndpoint)) {}

  // Runs on many threads at once: what the object holds is either constant or guarded.
  Result<> complete(Call& call, const omni_request_t& request, EventSink& sink) override {
    if (call.cancelled()) return cancelled();
    const auto key = call.value("apiKey");
    if (!key)
      return fail(OMNI_FAILURE_REAUTH_REQUIRED, "The account has no API key. Add it again.");

    const std::string body = lastUserText(request);
    HttpRequest http;
    http.url = endpoint_;
    http.headers = {{"Content-Type", "text/plain; charset=utf-8"},
                    {"Authorization", "Bearer " + *key}};
    http.body = body;
    bool empty = true;
    auto done = call.http(
        http,
        [&](const HttpResponse& head) -> Result<> {
          if (head.status != 200) return std::unexpected(failureOf(head));
          if (!sink.started()) return cancelled();
          return {};
        },
        [&](std::string_view bytes) -> Result<> {
          if (bytes.empty()) return {};
          empty = false;
          if (!sink.text(bytes)) return cancelled();
          return {};
        });
    if (!done) return done;
    if (empty) return fail(OMNI_FAILURE_EMPTY_RESPONSE, "The provider sent nothing.");
    if (!sink.finish(OMNI_FINISH_STOP)) return cancelled();
    return {};
  }

  Result<std::optional<std::string>> control(Call& call, std::string_view method,
                                             std::string_view input) override {
    if (method == "accounts.import") return import(call, input);
    if (method == "models.list") return R"({"models":[{"id":"template-1","name":"Template 1"}]})";
    return std::nullopt;  // the host is told OMNI_UNSUPPORTED
  }

 private:
  static std::unexpected<Failure> cancelled() { return std::unexpected(Failure::cancelledCall()); }

  static Result<std::optional<std::string>> import(Call& call, std::string_view input) {
    const auto key = jsonString(jsonMember(input, "apiKey").value_or(""));
    if (!key || key->empty()) {
      Failure failure;
      failure.kind = OMNI_FAILURE_BAD_REQUEST;
      failure.message = "Paste the API key.";
      failure.field = "apiKey";
      return std::unexpected(std::move(failure));
    }
    // A real plugin tries the key here before it saves it.
    if (auto saved = call.commit({{"apiKey", key, true}}); !saved)
      return std::unexpected(std::move(saved.error()));
    return "{}";
  }

  const std::string endpoint_;
};

}  // namespace

OMNI_PLUGIN(TemplateProvider, "template", OMNI_PLUGIN_VERSION)
