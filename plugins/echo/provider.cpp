#include "plugins/echo/provider.hpp"

#include <omniroute/json_text.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "plugins/echo/directives.hpp"

namespace omni::echo {
namespace {

constexpr int64_t kTokenLifeMs = 3'600'000;
constexpr int64_t kMaxSlowMs = 60'000;
constexpr int64_t kMaxRepeat = 1'000'000;

std::string partText(const omni_part_t& part, uint32_t stride) {
  if (part.kind == OMNI_PART_TEXT) return std::string(sdk::toView(part.text));
  std::string out;
  if (part.kind == OMNI_PART_TOOL_RESULT)
    for (size_t i = 0; i < part.child_count; ++i)
      out += partText(sdk::at(part.children, i, stride), stride);
  return out;
}

// The text of the last user message; tool results count, so that a tool loop ends with the result
// echoed.
std::string lastUserText(const omni_request_t& request) {
  for (size_t i = request.message_count; i > 0; --i) {
    const omni_message_t& message = sdk::at(request.messages, i - 1, request.message_size);
    if (message.role != OMNI_ROLE_USER) continue;
    std::string out;
    for (size_t p = 0; p < message.part_count; ++p)
      out += partText(sdk::at(message.parts, p, request.part_size), request.part_size);
    return out;
  }
  return {};
}

// Words with the spaces before them, so that the deltas joined are the text, byte for byte.
std::string_view nextDelta(std::string_view& rest) {
  const size_t word = std::min(rest.find_first_not_of(' '), rest.size());
  const size_t end = std::min(rest.find(' ', word), rest.size());
  const std::string_view delta = rest.substr(0, end);
  rest.remove_prefix(end);
  return delta;
}

int64_t countWords(std::string_view text) {
  int64_t count = 0;
  while (!text.empty()) {
    nextDelta(text);
    ++count;
  }
  return count;
}

std::unexpected<sdk::Failure> gone() {
  return std::unexpected(sdk::Failure::cancelledCall());
}

// One answer under way: streams and counts.
class Answer {
 public:
  Answer(sdk::Call& call, sdk::EventSink& sink, int64_t input_tokens)
      : call_(call), sink_(sink), input_tokens_(input_tokens) {}

  sdk::Result<> words(std::string_view text, int64_t pause_ms = 0) {
    while (!text.empty()) {
      if (!pause(pause_ms)) return gone();
      if (!sink_.text(nextDelta(text))) return gone();
      ++output_tokens_;
    }
    return {};
  }

  // Arguments go out in two fragments: a client that only handles whole ones shall notice.
  sdk::Result<> tool(std::string_view name, std::string_view arguments) {
    std::string id = "call_";
    unsigned char random[8];
    call_.host().randomBytes(random, sizeof(random));
    for (const unsigned char byte : random) {
      id += "0123456789abcdef"[byte >> 4];
      id += "0123456789abcdef"[byte & 15];
    }
    const size_t half = arguments.size() / 2;
    if (!sink_.toolStart(id, name) || !sink_.toolArguments(id, arguments.substr(0, half)) ||
        !sink_.toolArguments(id, arguments.substr(half)) || !sink_.toolEnd(id))
      return gone();
    ++output_tokens_;
    return {};
  }

  sdk::Result<> finish(uint32_t reason) {
    omni_usage_t usage{};
    usage.input_tokens = input_tokens_;
    usage.output_tokens = output_tokens_;
    usage.cache_read_tokens = -1;
    usage.cache_write_tokens = -1;
    usage.credits = -1;
    usage.estimated = 1;
    if (!sink_.usage(usage) || !sink_.finish(reason)) return gone();
    return {};
  }

 private:
  bool pause(int64_t ms) {
    constexpr int64_t kStepMs = 10;  // how late a cancel may be noticed
    for (int64_t left = ms; left > 0; left -= kStepMs) {
      if (call_.cancelled()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min(left, kStepMs)));
    }
    return !call_.cancelled();
  }

  sdk::Call& call_;
  sdk::EventSink& sink_;
  int64_t input_tokens_;
  int64_t output_tokens_ = 0;
};

std::unexpected<sdk::Failure> badDirective(std::string_view what) {
  return sdk::fail(OMNI_FAILURE_BAD_REQUEST, "echo: " + std::string(what));
}

// "/fail kind [retry_after_ms]", also the end of "/cut kind text".
sdk::Result<> failAs(std::string_view name, int64_t retry_after_ms) {
  const auto kind = failureKindByName(name);
  if (!kind) return badDirective("unknown failure kind");
  sdk::Failure failure;
  failure.kind = *kind;
  failure.message = "echo was asked to fail: " + std::string(name);
  failure.reason = "ECHO_" + std::string(name);
  failure.retry_after_ms = retry_after_ms;
  return std::unexpected(std::move(failure));
}

sdk::Result<> failDirective(std::string_view rest) {
  const std::string_view name = takeWord(rest);
  const std::string_view wait = takeWord(rest);
  if (wait.empty()) return failAs(name, -1);
  const auto ms = parseNumber(wait, INT64_MAX);
  if (!ms) return badDirective("the second word of /fail is a number of milliseconds");
  return failAs(name, *ms);
}

// Streams the body of a GET made through the account's own proxy and pool.
sdk::Result<> getDirective(sdk::Call& call, std::string_view url, Answer& answer) {
  sdk::HttpRequest request;
  request.method = "GET";
  request.url = std::string(url);
  request.idempotent = true;
  return call.http(
      request,
      [](const sdk::HttpResponse& head) -> sdk::Result<> {
        if (head.status < 400) return {};
        sdk::Failure failure;
        failure.kind = head.status == 429 ? OMNI_FAILURE_RATE_LIMITED : OMNI_FAILURE_UPSTREAM;
        failure.message = "the page answered with an error";
        failure.upstream_status = head.status;
        return std::unexpected(std::move(failure));
      },
      [&](std::string_view bytes) { return answer.words(bytes); });
}

sdk::Result<> run(sdk::Call& call, const Directive& directive, sdk::EventSink& sink,
                  Answer& answer) {
  std::string_view rest = directive.rest;
  uint32_t finish = OMNI_FINISH_STOP;
  sdk::Result<> done;
  if (directive.name.empty()) {
    done = answer.words(rest);
  } else if (directive.name == "cut") {
    const std::string_view kind = takeWord(rest);
    done = answer.words(rest);
    if (done) done = failAs(kind, -1);
  } else if (directive.name == "tool") {
    const std::string_view name = takeWord(rest);
    if (name.empty()) return badDirective("/tool needs a name and arguments as JSON");
    done = answer.tool(name, rest.empty() ? std::string_view("{}") : rest);
    finish = OMNI_FINISH_TOOL_CALLS;
  } else if (directive.name == "slow") {
    const auto ms = parseNumber(takeWord(rest), kMaxSlowMs);
    if (!ms) return badDirective("/slow needs a number of milliseconds, at most 60000");
    done = answer.words(rest, *ms);
  } else if (directive.name == "think") {
    if (!sink.reasoning(rest) || !sink.reasoningSignature("echo-signature")) return gone();
    done = answer.words(rest);
  } else if (directive.name == "repeat") {
    const auto count = parseNumber(takeWord(rest), kMaxRepeat);
    if (!count) return badDirective("/repeat needs a number, at most 1000000");
    for (int64_t i = 0; i < *count && done; ++i) done = answer.words(rest);
  } else if (directive.name == "finish") {
    const auto reason = finishByName(takeWord(rest));
    if (!reason) return badDirective("unknown finish reason");
    finish = *reason;
    done = answer.words(rest);
  } else if (directive.name == "whoami") {
    done = answer.words(call.value("label").value_or("nobody"));
  } else if (directive.name == "get") {
    done = getDirective(call, takeWord(rest), answer);
  }
  if (!done) return done;
  return answer.finish(finish);  // "/empty" comes here with nothing said
}

std::string expiresAtJson(int64_t ms) {
  return "{\"expiresAt\":" + std::to_string(ms) + "}";
}

sdk::Result<std::optional<std::string>> importAccount(sdk::Call& call, std::string_view input) {
  const auto label = sdk::jsonString(sdk::jsonMember(input, "label").value_or(""));
  if (!label || label->empty()) {
    sdk::Failure failure;
    failure.kind = OMNI_FAILURE_BAD_REQUEST;
    failure.message = "Give the account a label (any text).";
    failure.field = "label";
    return std::unexpected(std::move(failure));
  }
  std::vector<sdk::Change> changes;
  changes.push_back({"label", label, false});
  changes.push_back({"expiresAt", std::to_string(call.host().nowMs() + kTokenLifeMs), false});
  if (auto token = sdk::jsonString(sdk::jsonMember(input, "token").value_or(""));
      token && !token->empty())
    changes.push_back({"token", std::move(token), true});
  if (auto saved = call.commit(changes); !saved) return std::unexpected(std::move(saved.error()));
  return "{\"label\":" + sdk::jsonQuote(*label) + "}";
}

// The shape every refresh should have: lock, look again whether another call has done it meanwhile,
// then refresh and save.
sdk::Result<std::optional<std::string>> refreshAccount(sdk::Call& call, std::string_view input) {
  auto lock = call.lock("refresh");
  if (!lock) return std::unexpected(std::move(lock.error()));
  const bool force = sdk::jsonMember(input, "force").value_or("false") == "true";
  const int64_t now = call.host().nowMs();
  const int64_t current = parseNumber(call.value("expiresAt").value_or("0"), INT64_MAX).value_or(0);
  if (!force && current > now) return expiresAtJson(current);
  const int64_t next = now + kTokenLifeMs;
  if (auto saved = call.commit({{"expiresAt", std::to_string(next), false}}); !saved)
    return std::unexpected(std::move(saved.error()));
  return expiresAtJson(next);
}

std::string describeAccount(sdk::Call& call) {
  return "{\"authMethod\":\"label\",\"label\":" + sdk::jsonQuote(call.value("label").value_or("")) +
         ",\"isolation\":\"dedicated\",\"isolationReason\":\"Echo has no upstream to "
         "share.\",\"expiresAt\":" +
         std::to_string(parseNumber(call.value("expiresAt").value_or("0"), INT64_MAX).value_or(0)) +
         "}";
}

// clang-format off: it would reflow the JSON
constexpr const char* kModels = R"json({"models":[
{"id":"echo","name":"Echo","contextWindow":200000,"maxOutput":200000},
{"id":"echo-small","name":"Echo (small)","contextWindow":8000,"maxOutput":8000}]})json";
// clang-format on

}  // namespace

sdk::Result<> EchoProvider::complete(sdk::Call& call, const omni_request_t& request,
                                     sdk::EventSink& sink) {
  if (call.cancelled()) return gone();
  const std::string text = lastUserText(request);
  const Directive directive = parseDirective(text);
  // These two fail before the first event: the host may then try another account.
  if (directive.name == "fail") return failDirective(directive.rest);
  if (directive.name == "throw") throw std::runtime_error("echo was asked to throw");
  if (!sink.started()) return gone();
  Answer answer(call, sink, countWords(text));
  return run(call, directive, sink, answer);
}

sdk::Result<std::optional<std::string>> EchoProvider::control(sdk::Call& call,
                                                              std::string_view method,
                                                              std::string_view input) {
  if (method == "accounts.import") return importAccount(call, input);
  if (method == "accounts.refresh") return refreshAccount(call, input);
  if (method == "accounts.describe") return describeAccount(call);
  if (method == "accounts.test")
    return R"({"checks":[{"name":"echo","ok":true,"message":"Echo always answers."}]})";
  if (method == "accounts.usage") return R"({"plan":"echo","limit":-1,"used":0})";
  if (method == "models.list") return kModels;
  return std::nullopt;
}

}  // namespace omni::echo
