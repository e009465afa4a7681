// A client's request in one API, decoded and, when it is accepted, translated for Kiro.

#include <omniroute/abi.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include OMNI_FUZZ_HEADER  // core/<api>/codec.hpp
#include "plugins/kiro/json.hpp"
#include "plugins/kiro/translate.hpp"
#include "service/plugins/request_view.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const omni::OMNI_FUZZ_API::OMNI_FUZZ_CODEC codec;
  auto call = codec.decode(std::string(reinterpret_cast<const char*>(data), size));
  if (!call) {
    const int status = codec.errorStatus(call.error());
    if (status < 400 || status > 499) std::abort();  // bad input is the client's fault
    if (!omni::kiro::parseObject(codec.errorBody(call.error(), "request"))) std::abort();
    return 0;
  }
  const omni::plugins::RequestView view((*call)->request, (*call)->request.model);
  const auto translated = omni::kiro::translate(view.raw(), {});
  // What goes upstream is JSON whatever came in.
  if (translated && !omni::kiro::parseObject(translated->body)) std::abort();
  return 0;
}
