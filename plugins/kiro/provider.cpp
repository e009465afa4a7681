#include "plugins/kiro/provider.hpp"

#include "plugins/kiro/control.hpp"
#include "plugins/kiro/generate.hpp"
#include "plugins/kiro/local/extension.hpp"

namespace omni::kiro {

sdk::Result<> KiroProvider::complete(sdk::Call& call, const omni_request_t& request,
                                     sdk::EventSink& sink) {
  return generate(call, endpoints_, memory_, request, sink);
}

sdk::Result<std::optional<std::string>> KiroProvider::control(sdk::Call& call,
                                                              std::string_view method,
                                                              std::string_view input) {
  return controlMethod(*this, call, endpoints_, method, input);
}

const void* KiroProvider::extension(std::string_view name) {
  return name == OMNI_LOCAL_SCAN ? local::extension() : nullptr;
}

}  // namespace omni::kiro
