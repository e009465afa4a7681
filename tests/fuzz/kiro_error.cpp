// An error answer of AWS or Kiro, in a body and in an exception frame.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "plugins/kiro/upstream_error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  omni::sdk::HttpResponse response;
  response.status = 400u + data[0] % 130u;
  response.headers.push_back({"content-type", "application/x-amz-json-1.0"});
  const size_t cut = data[1] < bytes.size() ? data[1] : bytes.size();
  response.headers.push_back({"retry-after", std::string(bytes.substr(0, cut))});
  response.headers.push_back({"x-amzn-errortype", std::string(bytes.substr(0, cut))});
  response.body = bytes;
  const auto error = omni::kiro::readError(response);
  const auto failure = omni::kiro::runtimeFailure(error);
  if (failure.kind > OMNI_FAILURE_NOT_FOUND || failure.message.empty()) std::abort();
  const auto in_stream = omni::kiro::streamFailure(bytes.substr(0, cut), bytes.substr(cut));
  if (in_stream.kind > OMNI_FAILURE_NOT_FOUND) std::abort();
  return 0;
}
