#include "core/anthropic/error.hpp"

#include "core/errors/error_table.hpp"

namespace omni::anthropic {

int errorStatus(const Error& error) {
  constexpr int kOverloaded = 529;
  return error.kind == FailureKind::Capacity ? kOverloaded : httpStatus(error);
}

std::string errorBody(const Error& error, std::string_view request_id) {
  std::string out = R"({"type":"error","error":{"type":)";
  appendJsonString(out, errorRule(error.kind).anthropic_type);
  out += ",\"message\":";
  appendJsonString(out, error.message);
  out += "},\"request_id\":";
  appendJsonString(out, request_id);
  out += '}';
  return out;
}

}  // namespace omni::anthropic
