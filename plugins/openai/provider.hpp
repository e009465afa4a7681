#pragma once
// Any upstream that speaks OpenAI's chat completions: OpenAI itself, hosted model services, local
// model servers, another omnirouted.
//
// Wire source: OpenAI API reference, "Create chat completion", "chat completion chunk object",
// "Models"; reasoning_content as DeepSeek introduced it.
// Thread-safety: as omni::sdk::Provider; the object holds no state, an account's state is the
// host's.

#include <omniroute/sdk.hpp>

namespace omni::openai_upstream {

class OpenAiProvider final : public sdk::Provider {
 public:
  explicit OpenAiProvider(sdk::Host host) : host_(host) {}
  sdk::Result<> complete(sdk::Call& call, const omni_request_t& request,
                         sdk::EventSink& sink) override;
  sdk::Result<std::optional<std::string>> control(sdk::Call& call, std::string_view method,
                                                  std::string_view input) override;

 private:
  sdk::Host host_;
};

}  // namespace omni::openai_upstream
