#pragma once
// OpenAI-compatible error answers -> failure kinds.
//
// Wire source: OpenAI API reference, "Error codes": {"error":{"message","type","param","code"}};
// servers also send {"error":"text"}, {"message":…} and {"detail":…}. Delays: retry-after (seconds
// or HTTP date is ignored), retry-after-ms, x-ratelimit-reset-requests ("1s", "6m0s").
// Pure and thread-safe.

#include <omniroute/sdk.hpp>

#include <string_view>

#include "plugins/openai/json.hpp"

namespace omni::openai_upstream {

// For an answer whose status is not 200.
sdk::Failure httpFailure(const sdk::HttpResponse& response);
// For an error object inside a stream, or a 200 answer that holds one. `document` has "error".
sdk::Failure inBandFailure(const json::object& document);

}  // namespace omni::openai_upstream
