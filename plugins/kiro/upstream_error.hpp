#pragma once
// Upstream's error answers -> failures. Wire source: kiro-protocol A.6 (sign-in) and G.1 to G.5
// (runtime).

#include <omniroute/sdk.hpp>
#include <string>
#include <string_view>

namespace omni::kiro {

// Where the owner of a suspended account has to write to.
inline constexpr std::string_view kSupport = "https://support.aws.amazon.com/#/contacts/kiro";

struct UpstreamError {
  uint32_t status = 0;
  std::string type;     // ThrottlingException, without namespace
  std::string reason;   // MONTHLY_REQUEST_COUNT
  std::string message;  // upstream's own text
  std::string oauth;    // invalid_grant
  int64_t retry_after_ms = -1;
};

UpstreamError readError(const sdk::HttpResponse& response);

// A runtime or control-plane call.
sdk::Failure runtimeFailure(const UpstreamError& error);
// An exception frame inside the event stream; `type` is the union member's or the exception's name.
sdk::Failure streamFailure(std::string_view type, std::string_view payload);

// Upstream's text without what identifies a person or opens a door: account numbers, ARNs,
// addresses, tokens. At most 400 characters.
std::string redacted(std::string_view text);

// A signature of replayed thinking was refused: the same request without any of it may pass.
bool isRefusedSignature(const UpstreamError& error);
// additionalModelRequestFields were refused: the same request without them may pass.
bool isRefusedFields(const UpstreamError& error);
// This host does not know the operation: the account may be served by the other generation's hosts.
bool isUnknownOperation(const UpstreamError& error);

}  // namespace omni::kiro
