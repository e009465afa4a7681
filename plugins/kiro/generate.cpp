#include "plugins/kiro/generate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "plugins/kiro/auth_headers.hpp"
#include "plugins/kiro/model_list.hpp"
#include "plugins/kiro/refresh.hpp"
#include "plugins/kiro/reply.hpp"
#include "plugins/kiro/translate.hpp"
#include "plugins/kiro/unlisted.hpp"
#include "plugins/kiro/upstream_error.hpp"

namespace omni::kiro {
namespace {

constexpr size_t kLargestError = 64u << 10;
constexpr int64_t kRemembered = 3'600'000;
constexpr size_t kMostRemembered = 10'000;
constexpr size_t kMostHeaders = 10;
// F.9: a model that thinks is silent for minutes. There is no limit to the whole answer.
constexpr int64_t kFirstByteMs = 120'000;
constexpr int64_t kIdleMs = 300'000;

int64_t limitMs(const sdk::Host& host, std::string_view key, int64_t fallback) {
  const auto text = host.setting(key);
  int64_t ms = 0;
  const bool good =
      text && std::from_chars(text->data(), text->data() + text->size(), ms).ec == std::errc();
  return good && ms > 0 ? ms : fallback;
}
constexpr int64_t kDayMs = 86'400'000;

// URL and headers of GenerateAssistantResponse in each generation.
sdk::HttpRequest prepare(const Endpoints& endpoints, Wire wire, std::string_view region) {
  sdk::HttpRequest request;
  request.headers.reserve(kMostHeaders);
  request.headers.push_back({"User-Agent", userAgent()});
  request.headers.push_back({"x-amzn-codewhisperer-optout", "true"});
  const std::string base =
      wire == Wire::Legacy ? endpoints.legacy(region) : endpoints.runtime(region);
  if (wire == Wire::Legacy) {
    request.url = base + "/generateAssistantResponse";
    request.headers.push_back({"Content-Type", "application/json"});
    request.headers.push_back({"Accept", "application/vnd.amazon.eventstream"});
    request.headers.push_back({"x-amzn-kiro-agent-mode", "vibe"});
  } else {
    request.url = base + "/";
    request.headers.push_back({"Content-Type", "application/x-amz-json-1.0"});
    request.headers.push_back(
        {"X-Amz-Target", wire == Wire::Kiro
                             ? "KiroRuntimeService.GenerateAssistantResponse"
                             : "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"});
  }
  return request;
}

// The same id for all attempts of one completion (E.3).
std::string invocationId(const sdk::Host& host) {
  unsigned char bytes[16];
  host.randomBytes(bytes, sizeof(bytes));
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);
  std::string out;
  out.reserve(36);
  for (size_t i = 0; i < sizeof(bytes); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += "0123456789abcdef"[bytes[i] >> 4];
    out += "0123456789abcdef"[bytes[i] & 15];
  }
  return out;
}

struct Outcome {
  sdk::Result<ReplyEnd> end = ReplyEnd::Complete;
  std::optional<UpstreamError> refusal;  // upstream's HTTP error: nothing has gone out
};

// Drops `body`, which `request` points to, once upstream answers with content: an open stream keeps
// no copy of the conversation. By then the host has sent it, and without OMNI_HTTP_IDEMPOTENT it
// never sends anything twice. The client's request is given up as well, unless upstream may have to
// be asked once more.
Outcome send(sdk::Call& call, sdk::HttpRequest& request, std::string& body, Reply& reply,
             sdk::EventSink& sink) {
  sdk::HttpResponse head;
  Outcome out;
  auto sent = call.http(
      request,
      [&](const sdk::HttpResponse& response) -> sdk::Result<> {
        head.status = response.status;
        if (head.status != 200) {
          head = response;
        } else {
          request.body = {};
          std::string().swap(body);
          if (!reply.mayBeUnmet()) sink.requestDone();
        }
        return {};
      },
      [&](std::string_view bytes) -> sdk::Result<> {
        if (head.status == 200) {
          auto fed = reply.feed(bytes);
          // The client has its answer; what upstream still writes is for nobody.
          if (fed && reply.stopped()) return std::unexpected(sdk::Failure::cancelledCall());
          return fed;
        }
        if (head.body.size() < kLargestError)
          head.body.append(bytes.substr(0, kLargestError - head.body.size()));
        return {};
      });
  if (!sent && !(reply.stopped() && !call.cancelled())) {
    out.end = std::unexpected(std::move(sent.error()));
  } else if (head.status != 200) {
    out.refusal = readError(head);
    out.end = std::unexpected(runtimeFailure(*out.refusal));
  } else {
    out.end = reply.finish();
  }
  return out;
}

// What is sent depends on the model: then its own list must be known.
bool dependsOnModel(const omni_request_t& request) {
  if (request.reasoning_effort.size > 0 || request.reasoning_budget >= 0) return true;
  const auto resolved = resolveModel(sdk::toView(request.model), builtinCatalogue());
  if (!builtinCatalogue().find(resolved.id) || resolved.thinking || !resolved.effort.empty())
    return true;
  const auto has_image = [&](auto&& self, const omni_part_t* parts, size_t count) -> bool {
    for (size_t i = 0; i < count; ++i) {
      const auto& part = sdk::at(parts, i, request.part_size);
      if (part.kind == OMNI_PART_IMAGE || self(self, part.children, part.child_count)) return true;
    }
    return false;
  };
  for (size_t i = 0; i < request.message_count; ++i) {
    const auto& message = sdk::at(request.messages, i, request.message_size);
    if (has_image(has_image, message.parts, message.part_count)) return true;
  }
  return false;
}

Wire otherFamily(Wire wire) {
  return wire == Wire::Legacy ? Wire::Kiro : Wire::Legacy;
}

}  // namespace

bool WireMemory::prefersOther(const std::string& key, int64_t now_ms) {
  std::lock_guard lock(mutex_);
  const auto found = until_ms_.find(key);
  if (found == until_ms_.end()) return false;
  if (now_ms < found->second) return true;
  until_ms_.erase(found);
  return false;
}

void WireMemory::remember(const std::string& key, int64_t now_ms) {
  std::lock_guard lock(mutex_);
  if (until_ms_.size() >= kMostRemembered) until_ms_.clear();
  until_ms_[key] = now_ms + kRemembered;
}

sdk::Result<> generate(sdk::Call& call, const Endpoints& endpoints, Memory& memory,
                       const omni_request_t& request, sdk::EventSink& sink) {
  const DataTarget target = dataTarget(call, endpoints);
  auto catalogue = catalogueFor(call, endpoints, memory.catalogues,
                                dependsOnModel(request) ? ListAge::Day : ListAge::Any);
  if (!catalogue) return std::unexpected(std::move(catalogue.error()));
  if (auto served = refuseUnlisted(call, endpoints, memory.catalogues, sdk::toView(request.model),
                                   *catalogue);
      !served)
    return served;

  const bool may_move = endpoints.wireIsAuto();
  std::string memory_key = target.profile_arn;
  memory_key.append("|").append(target.region).append("|");
  memory_key += static_cast<char>('0' + static_cast<int>(target.wire));
  Wire wire = target.wire;
  bool moved = may_move && memory.wires.prefersOther(memory_key, call.host().nowMs());
  if (moved) wire = otherFamily(wire);

  TranslateOptions options;
  options.profile_arn = target.profile_arn;
  options.catalogue = catalogue->get();
  const auto aim = [&] {
    options.agent_mode_in_body = wire != Wire::Legacy;
    options.largest_body = wire == Wire::Legacy ? kLargestLegacyBody : kLargestBody;
    return translate(request, options);
  };
  auto translated = aim();
  if (!translated) return std::unexpected(std::move(translated.error()));

  const std::string invocation = invocationId(call.host());
  std::string seen;
  for (int attempt = 1;; ++attempt) {
    auto token = freshAccessToken(call, endpoints,
                                  seen.empty() ? RefreshWhen::NearExpiry : RefreshWhen::Now, seen);
    if (!token) return std::unexpected(std::move(token.error()));
    sdk::HttpRequest http = prepare(endpoints, wire, target.region);
    http.first_byte_timeout_ms = limitMs(call.host(), "timeout.firstByteMs", kFirstByteMs);
    http.idle_timeout_ms = limitMs(call.host(), "timeout.idleMs", kIdleMs);
    http.headers.push_back({"amz-sdk-invocation-id", invocation});
    http.headers.push_back({"amz-sdk-request", "attempt=" + std::to_string(attempt) + "; max=3"});
    addAuthHeaders(call, *token, http.headers);
    http.body = translated->body;

    ReplyOptions reply_options;
    reply_options.tool_names = &translated->tool_names;
    reply_options.context_window = translated->context_window;
    reply_options.emulation = translated->emulation;
    reply_options.withhold = !options.insist;
    for (size_t i = 0; i < request.stop_count; ++i)
      reply_options.stop.emplace_back(sdk::toView(request.stop[i]));
    Reply reply(sink, std::move(reply_options));
    Outcome outcome = send(call, http, translated->body, reply, sink);
    if (outcome.end && *outcome.end == ReplyEnd::Complete) return {};

    // Each of these happens once, and only while nothing has gone out to the client.
    bool again = false;
    if (outcome.end) {  // withheld
      options.insist = true;
      again = true;
    } else if (outcome.refusal) {
      const UpstreamError& refusal = *outcome.refusal;
      if (outcome.end.error().kind == OMNI_FAILURE_AUTH_INVALID && seen.empty()) {
        seen = std::move(*token);
        continue;
      }
      if (isRefusedSignature(refusal) && translated->has_reasoning) {
        options.replay_reasoning = false;
        again = true;
      } else if (isRefusedFields(refusal) && translated->has_additional_fields) {
        options.additional_fields = false;
        again = true;
      } else if (isUnknownOperation(refusal) && may_move && !moved) {
        moved = true;
        wire = otherFamily(wire);
        memory.wires.remember(memory_key, call.host().nowMs());
        again = true;
      }
    }
    if (!again) {
      sdk::Failure& failure = outcome.end.error();
      // The month's end stands in the usage, which the host reads; the day's is midnight UTC (G.3).
      if (failure.reason == "DAILY_REQUEST_COUNT" && failure.reset_at_ms < 0)
        failure.reset_at_ms = (call.host().nowMs() / kDayMs + 1) * kDayMs;
      // Upstream's own words do not say which model it means.
      if (failure.kind == OMNI_FAILURE_MODEL_UNAVAILABLE)
        failure.message = fmt::format(
            "Kiro does not offer the model \"{}\" to this account; GET /v1/models lists what it "
            "has",
            translated->model);
      return std::unexpected(std::move(failure));
    }
    translated = aim();
    if (!translated) return std::unexpected(std::move(translated.error()));
  }
}

}  // namespace omni::kiro
