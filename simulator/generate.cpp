// The data plane: checks a request, then streams the scripted answer or an echo.
#include <algorithm>

#include "simulator/kiro.hpp"
#include "simulator/random.hpp"
#include "simulator/turn.hpp"
#include "simulator/validation.hpp"

namespace omni::sim {
namespace {

constexpr std::size_t kLegacyBody = 629'504;

struct ActiveStream {
  explicit ActiveStream(std::atomic<int>& counter) : counter_(counter) { ++counter_; }
  ~ActiveStream() { --counter_; }
  ActiveStream(const ActiveStream&) = delete;
  ActiveStream& operator=(const ActiveStream&) = delete;

 private:
  std::atomic<int>& counter_;
};

constexpr std::string_view kBearerInvalid = "The bearer token included in the request is invalid.";

// True if the caller may go on.
bool checkProfile(World& world, const Call& call, Exchange& exchange) {
  auto arn = argument(call, "profileArn");
  if (arn.empty()) arn = call.request->header("x-amzn-kiro-profile-arn");
  const auto& account = *call.account;
  if (account.kind == AccountKind::kApiKey && arn.empty()) return true;
  if (arn.empty()) {
    if (!call.runtime || !world.policy.get()->require_profile_arn) return true;
    sendError(call, exchange, 400, "ValidationException",
              "profileArn is required for this request.");
    return false;
  }
  const auto region = profileRegion(arn);
  if (region.empty()) {
    sendError(call, exchange, 400, "ValidationException", "Invalid profileArn.");
    return false;
  }
  if (!ownsProfile(account, arn) || region != call.route->region) {
    sendError(call, exchange, 403, "AccessDeniedException", kBearerInvalid);
    return false;
  }
  return true;
}

const json::object* currentUser(const json::value& body) {
  return object(
      member(member(member(&body, "conversationState"), "currentMessage"), "userInputMessage"));
}

std::string lastUserText(const json::object& user) {
  auto content = text(user, "content");
  const auto* results = array(member(member(user, "userInputMessageContext"), "toolResults"));
  if (!content.empty() || results == nullptr) return content;
  // A turn that only brings tool results is echoed by their texts.
  for (const auto& result : *results) {
    const auto* parts = array(member(&result, "content"));
    if (parts == nullptr) continue;
    for (const auto& part : *parts) {
      if (!content.empty()) content += ' ';
      content += member(&part, "text") != nullptr   ? text(member(&part, "text"))
                 : member(&part, "json") != nullptr ? json::serialize(*member(&part, "json"))
                                                    : std::string();
    }
  }
  return content;
}

// Sends data in pieces that end where the script says.
class Splitter {
 public:
  Splitter(Exchange& exchange, const Delivery& delivery)
      : exchange_(exchange), delivery_(delivery) {}

  void send(std::string_view data) {
    while (!data.empty() && !exchange_.broken()) {
      auto size = data.size();
      if (delivery_.chunk_size != 0) size = std::min(size, delivery_.chunk_size);
      for (const auto at : delivery_.splits) {
        if (at > position_) size = std::min(size, at - position_);
      }
      exchange_.chunk(data.substr(0, size));
      data.remove_prefix(size);
      position_ += size;
    }
  }

 private:
  Exchange& exchange_;
  const Delivery& delivery_;
  std::size_t position_ = 0;
};

// True if the stream came to its proper end.
bool deliver(const Play& play, Exchange& exchange) {
  const auto& delivery = play.delivery;
  Splitter splitter(exchange, delivery);
  const bool cut = !delivery.truncation.empty();
  const bool plain = delivery.delay_ms == 0 && delivery.stall_after < 0 && !cut;
  for (std::size_t i = 0; i < play.frames.size(); ++i) {
    if (plain && i == play.tail && i < play.frames.size()) {
      // The tail is known at once and leaves in one piece.
      std::string tail;
      for (; i < play.frames.size(); ++i) tail += play.frames[i];
      splitter.send(tail);
      break;
    }
    if (delivery.stall_after == static_cast<int>(i) && !exchange.wait(delivery.stall_ms)) break;
    if (i > 0 && delivery.delay_ms > 0 && !exchange.wait(delivery.delay_ms)) break;
    const bool last = i + 1 == std::max<std::size_t>(play.tail, 1);
    if (delivery.truncation == "mid_frame" && last) {
      splitter.send(std::string_view(play.frames[i]).substr(0, play.frames[i].size() / 2));
      break;
    }
    splitter.send(play.frames[i]);
    if (delivery.truncation == "frame_boundary" && last) break;
    if (exchange.broken()) break;
  }
  if (delivery.reset_at_end) {
    exchange.reset();
    return false;
  }
  // A cut stream ends the HTTP body properly: a proxy in between would do that too, and the frames
  // alone must tell.
  exchange.endStream();
  return !exchange.broken() && !cut;
}

// A client's text must not break out of a header line.
std::string headerValue(std::string value) {
  std::erase_if(value, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  return value;
}

void refuseExhausted(const Call& call, Exchange& exchange) {
  sendError(call, exchange, 402, "ServiceQuotaExceededException", "You have reached the limit.",
            "MONTHLY_REQUEST_COUNT");
}

}  // namespace

void generate(World& world, const Call& call, Exchange& exchange) {
  const auto policy = world.policy.get();
  if (!checkProfile(world, call, exchange)) return;
  if (call.account->exhausted()) return refuseExhausted(call, exchange);
  if (policy->validate) {
    const Limits limits{.body_bytes = call.legacy ? kLegacyBody : 0,
                        .paid_models = call.account->plan != "FREE"};
    if (const auto problem =
            validateGenerate(call.body, call.request->body.size(), limits, *policy)) {
      return sendError(call, exchange, 400, "ValidationException", problem->message,
                       problem->reason);
    }
  }
  const auto* conversation = object(member(&call.body, "conversationState"));
  const auto* user = currentUser(call.body);
  if (conversation == nullptr || user == nullptr) {
    return sendError(call, exchange, 400, "ValidationException", "Improperly formed request.",
                     "REQUEST_BODY_INVALID");
  }
  const auto turn = world.script.takeTurn(call.account->id);
  if (!turn && policy->scripted) {
    return sendError(call, exchange, 500, "InternalServerException",
                     "kiro-sim: scripted mode, and no turn is queued");
  }
  if (turn && turn->contains("status")) {
    Reply reply = jsonReply(static_cast<int>(integer(*turn, "status", 500)), json::object());
    if (const auto* body = member(*turn, "body")) {
      reply.body = body->is_string() ? text(body) : json::serialize(*body);
      auto type = text(member(body, "__type"));
      if (!type.empty() && !call.rpc) {
        reply.headers.emplace_back("x-amzn-errortype", type.substr(type.find('#') + 1));
      }
    }
    if (call.rpc) reply.content_type = "application/x-amz-json-1.0";
    if (const auto* headers = object(member(*turn, "headers"))) {
      for (const auto& [key, value] : *headers) {
        reply.headers.emplace_back(key, value.is_string() ? text(&value) : json::serialize(value));
      }
    }
    reply.headers.emplace_back("x-amzn-requestid", uuid());
    if (!exchange.wait(static_cast<int>(integer(*turn, "firstByteDelayMs")))) return;
    return exchange.send(reply);
  }
  StreamContext context;
  context.model_id = text(*user, "modelId", "auto");
  context.model = findModel(context.model_id);
  context.rpc = call.rpc;
  context.metadata = call.runtime;
  context.input_tokens = estimateTokens(*conversation);
  context.user_text = lastUserText(*user);
  const auto play = turn ? scriptedTurn(context, *turn) : echoTurn(context);

  const ActiveStream active(world.active_streams);
  if (play.delivery.first_byte_delay_ms > 0 && !exchange.wait(play.delivery.first_byte_delay_ms)) {
    return;
  }
  HeaderList headers{{"x-amzn-requestid", uuid()},
                     {"x-xss-protection", "1; mode=block"},
                     {"strict-transport-security", "max-age=47304000; includeSubDomains"},
                     {"x-frame-options", "DENY"},
                     {"cache-control", "no-cache"},
                     {"x-content-type-options", "nosniff"}};
  if (!call.rpc) {
    headers.emplace_back(
        call.runtime ? "x-amzn-kiro-conversation-id" : "x-amzn-codewhisperer-conversation-id",
        headerValue(text(*conversation, "conversationId", uuid())));
  }
  exchange.beginStream(200, headers, "application/vnd.amazon.eventstream");
  if (deliver(play, exchange) && call.account->metered) {
    world.identity.addUsage(call.account->id, play.credits);
  }
}

}  // namespace omni::sim
