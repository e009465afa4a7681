#pragma once
// The one way from an HTTP request to a provider's answer and back, whatever the API: decode,
// admit, run, stream or collect, report. What differs between APIs is a chat::ApiCodec.
//
// A failure before the first content is a plain HTTP error with Retry-After where known; until then
// the router may still try other accounts. After ServerOptions::commit_after_ms of silence the
// stream begins all the same, with keep-alives in the API's own form; from then on, as after the
// first content, a failure is an in-band error. There is no total time-out: silence is what the
// upstream client limits.
//
// Answers carry x-omniroute-connection (who served), x-omniroute-attempts (how many were tried) and
// x-omniroute-credits (what it cost, when the provider said so before the head was sent: always for
// whole answers, rarely for streams).

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/chat/codec.hpp"
#include "core/ports/chat_backend.hpp"
#include "core/ports/clock.hpp"
#include "core/ports/request_log.hpp"
#include "service/http/route.hpp"

namespace omni::http {

// One finished request, good or bad.
struct InferenceRecord {
  std::string request_id;
  std::string api;             // chat::ApiCodec::api()
  std::string model;           // as the client wrote it; empty when the body could not be read
  std::string caller;          // Request::caller
  std::string caller_id;       // Request::caller_id
  std::string trace_id;        // of the client's traceparent; empty: none
  bool admitted = false;       // InferenceHooks::admit has let it in (or there is none)
  RouteReport route;           // every attempt, the last is the one that answered
  chat::Usage usage;           // last word of the provider; members are -1 where unknown
  int status = 0;              // the HTTP status sent; 499 when the client left before any
  std::optional<Error> error;  // also when the stream had begun with 200
  bool streamed = false;
  int64_t started_at_ms = 0;   // Unix time
  int64_t first_byte_ms = -1;  // from the request to the first content; -1: there was none
  int64_t duration_ms = 0;
  std::shared_ptr<const RequestContent> content;  // InferenceDeps::content_bytes; else nullptr
};

// All are called on the request's thread and must be thread-safe; empty: nothing to do.
struct InferenceHooks {
  // After decoding, before any account is chosen. An error is the client's answer.
  std::function<Result<>(const Request&, const chat::ChatRequest&)> admit;
  // Once for each request that was admitted, before its last bytes: a client that has its answer
  // and asks again at once must find its own slot free. Usage and status are known, duration is
  // not.
  std::function<void(const InferenceRecord&)> leaving{};
  // Exactly once per request, after the last byte.
  std::function<void(const InferenceRecord&)> finished{};
  // Whether the caller may use what GET /v1/models would show.
  std::function<bool(const Request&, const ModelEntry&)> visible{};
};

// Everything by reference must outlive the server that gets the routes.
struct InferenceDeps {
  ChatBackend& backend;
  Clock& clock;
  Random& random;
  InferenceHooks hooks{};
  // How much of a body and of an answer goes into the record; 0: nothing is copied.
  size_t content_bytes = 0;
  // Takes secrets out of what is kept; called on the request's thread. Empty: it is kept as it is.
  std::function<std::string(std::string_view)> clean{};
};

// Thread-safe. Takes the body out of `request`.
void runInference(const InferenceDeps& deps, const chat::ApiCodec& codec, Request& request,
                  ResponseWriter& writer);

// An error in the API's own shape, with Retry-After where known.
void sendApiError(ResponseWriter& writer, const chat::ApiCodec& codec, const Error& error,
                  std::string_view request_id);

// The client's own word for the conversation: the first of x-session-id,
// x-claude-code-session-id (Claude Code), session_id and session-id (Codex CLI), x-session-affinity
// and x-opencode-session (opencode) that is there. Empty: none.
std::string sessionOf(const Request& request);

}  // namespace omni::http
