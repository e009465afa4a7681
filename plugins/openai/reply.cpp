#include "plugins/openai/reply.hpp"

#include <algorithm>

#include "plugins/openai/upstream_error.hpp"

namespace omni::openai_upstream {
namespace {

constexpr size_t kCharactersPerToken = 4;

sdk::Result<> gone() {
  return std::unexpected(sdk::Failure::cancelledCall());
}

sdk::Result<> passed(bool ok) {
  return ok ? sdk::Result<>{} : gone();
}

bool hasError(const json::object& document) {
  const auto* error = document.if_contains("error");
  return error && !error->is_null();
}

}  // namespace

sdk::Result<> Reply::feed(std::string_view bytes) {
  if (done_) return {};  // what follows [DONE] is nobody's
  reader_.feed(bytes);
  if (reader_.tooLong())
    return sdk::fail(OMNI_FAILURE_PROTOCOL, "an event of the upstream's answer is too long");
  while (auto data = reader_.next()) {
    if (auto taken = onData(*data); !taken) return taken;
    if (done_) return {};
  }
  return {};
}

sdk::Result<> Reply::onData(std::string_view data) {
  if (data == "[DONE]") {
    done_ = true;
    return {};
  }
  if (data.empty()) return {};
  const auto chunk = parseObject(data);
  if (!chunk)
    return sdk::fail(OMNI_FAILURE_PROTOCOL, "the upstream's answer holds an event that is no JSON");
  return onChunk(*chunk, "delta");
}

sdk::Result<> Reply::whole(std::string_view body) {
  const auto document = parseObject(body);
  if (!document || (!hasError(*document) && !arrayOf(*document, "choices")))
    return sdk::fail(OMNI_FAILURE_PROTOCOL, "the upstream's answer is no chat completion");
  done_ = true;
  return onChunk(*document, "message");
}

sdk::Result<> Reply::onChunk(const json::object& chunk, const char* member) {
  if (hasError(chunk)) return std::unexpected(inBandFailure(chunk));
  if (const auto* usage = objectOf(chunk, "usage")) onUsage(*usage);
  const auto* choices = arrayOf(chunk, "choices");
  if (!choices) return {};
  // After the errors: an answer that begins with one has not started, so another account may serve
  // it.
  if (!started_) {
    started_ = true;
    if (!sink_.started()) return gone();
  }
  for (const auto& entry : *choices) {
    const auto* choice = entry.if_object();
    if (!choice || integerOf(*choice, "index") > 0) continue;
    if (const auto* delta = objectOf(*choice, member)) {
      for (const char* name : {"reasoning_content", "reasoning"})
        if (const auto thought = textOf(*delta, name); !thought.empty()) {
          if (auto sent = reasoning(thought); !sent) return sent;
          break;  // some servers send both, with the same text
        }
      if (const auto* content = delta->if_contains("content"))
        if (auto sent = onContent(*content); !sent) return sent;
      if (auto sent = text(textOf(*delta, "refusal")); !sent) return sent;
      if (const auto* calls = arrayOf(*delta, "tool_calls"))
        for (const auto& item : *calls)
          if (const auto* call = item.if_object())
            if (auto taken = onTool(*call); !taken) return taken;
    }
    if (const auto reason = textOf(*choice, "finish_reason"); !reason.empty())
      finish_reason_ = reason;
  }
  if (finish_reason_ == "error")
    return sdk::fail(OMNI_FAILURE_UPSTREAM, "the upstream broke the answer off with an error");
  return {};
}

sdk::Result<> Reply::text(std::string_view delta) {
  if (delta.empty()) return {};
  content_ = true;
  characters_ += delta.size();
  return passed(sink_.text(delta));
}

sdk::Result<> Reply::reasoning(std::string_view delta) {
  if (delta.empty()) return {};
  content_ = true;
  characters_ += delta.size();
  return passed(sink_.reasoning(delta));
}

sdk::Result<> Reply::onContent(const json::value& content) {
  if (content.is_string()) return text(viewOf(content.get_string()));
  const auto* parts = content.if_array();
  if (!parts) return {};
  for (const auto& item : *parts) {
    const auto* part = item.if_object();
    if (!part) continue;
    if (textOf(*part, "type") == "thinking") {
      if (auto sent = reasoning(textOf(*part, "thinking")); !sent) return sent;
      if (const auto* inner = arrayOf(*part, "thinking"))
        for (const auto& piece : *inner)
          if (const auto* object = piece.if_object())
            if (auto sent = reasoning(textOf(*object, "text")); !sent) return sent;
    } else if (auto sent = text(textOf(*part, "text")); !sent) {
      return sent;
    }
  }
  return {};
}

std::string Reply::newId(std::string_view wanted) {
  const bool taken = std::ranges::any_of(tools_, [&](const Tool& t) { return t.id == wanted; });
  if (!wanted.empty() && !taken) return std::string(wanted);
  unsigned char random[12];
  call_.host().randomBytes(random, sizeof(random));
  std::string id = "call_";
  for (const unsigned char byte : random) {
    id += "0123456789abcdef"[byte >> 4];
    id += "0123456789abcdef"[byte & 15];
  }
  return id;
}

// By index where there is one; else a new id begins a new call, and a piece without one belongs to
// the newest.
Reply::Tool& Reply::toolFor(const json::object& call) {
  const int64_t index = integerOf(call, "index");
  const auto id = textOf(call, "id");
  if (index >= 0) {
    const auto newest = std::find_if(tools_.rbegin(), tools_.rend(),
                                     [&](const Tool& t) { return t.index == index; });
    // A server that numbers every call 0 still gives each an id of its own.
    if (newest != tools_.rend() &&
        (id.empty() || newest->upstream_id.empty() || newest->upstream_id == id))
      return *newest;
  } else if (!tools_.empty()) {
    if (id.empty() && textOf(call, "type").empty()) return tools_.back();
    const auto found = std::ranges::find(tools_, id, &Tool::upstream_id);
    if (!id.empty() && found != tools_.end() && textOf(call, "type").empty()) return *found;
  }
  std::string unique = newId(id);
  return tools_.emplace_back(Tool{index, std::string(id), std::move(unique), {}, {}, false});
}

sdk::Result<> Reply::onTool(const json::object& call) {
  const auto* function = objectOf(call, "function");
  if (!function) return {};
  Tool& tool = toolFor(call);
  if (tool.name.empty()) tool.name = textOf(*function, "name");
  content_ = true;
  if (const auto* arguments = function->if_contains("arguments")) {
    if (arguments->is_string())
      tool.pending += viewOf(arguments->get_string());
    else if (arguments->is_object())
      tool.pending += json::serialize(*arguments);
  }
  // Only the first call streams; the others wait, so that calls never interleave.
  return &tool == &tools_.front() ? advance(tool) : sdk::Result<>{};
}

sdk::Result<> Reply::advance(Tool& tool) {
  if (tool.name.empty()) return {};
  if (!tool.started) {
    tool.started = true;
    if (!sink_.toolStart(tool.id, tool.name)) return gone();
  }
  if (tool.pending.empty()) return {};
  characters_ += tool.pending.size();
  const bool sent = sink_.toolArguments(tool.id, tool.pending);
  tool.pending.clear();
  return passed(sent);
}

void Reply::onUsage(const json::object& usage) {
  usage_.input_tokens = integerOf(usage, "prompt_tokens");
  usage_.output_tokens = integerOf(usage, "completion_tokens");
  if (const auto* details = objectOf(usage, "prompt_tokens_details"))
    usage_.cache_read_tokens = integerOf(*details, "cached_tokens");
  else if (const int64_t hit = integerOf(usage, "prompt_cache_hit_tokens"); hit >= 0)
    usage_.cache_read_tokens = hit;
  // Another omnirouted as upstream says what the answer cost there.
  if (const auto* credits = usage.if_contains("credits"); credits && credits->is_number())
    usage_.credits = credits->to_number<double>();
  const auto* estimated = usage.if_contains("estimated");
  usage_.estimated = estimated && estimated->is_bool() && estimated->get_bool() ? 1 : 0;
}

uint32_t Reply::finishReason() const {
  const std::string_view r = finish_reason_;
  if (r == "length" || r == "max_tokens") return OMNI_FINISH_LENGTH;
  if (r == "content_filter") return OMNI_FINISH_CONTENT_FILTER;
  // Some servers say "stop" after a tool call: the calls decide.
  if (!tools_.empty()) return OMNI_FINISH_TOOL_CALLS;
  return OMNI_FINISH_STOP;
}

sdk::Result<> Reply::finish() {
  if (!done_)
    if (auto data = reader_.rest())
      if (auto taken = onData(*data); !taken) return taken;
  if (!done_ && finish_reason_.empty())
    return sdk::fail(OMNI_FAILURE_PROTOCOL,
                     "the upstream's answer was cut off: it ended without a finish reason");
  const uint32_t reason = finishReason();
  if (!content_ && reason == OMNI_FINISH_STOP)
    return sdk::fail(OMNI_FAILURE_EMPTY_RESPONSE, "the upstream sent an empty answer");
  for (Tool& tool : tools_) {
    if (tool.name.empty())
      return sdk::fail(OMNI_FAILURE_PROTOCOL,
                       "the upstream's answer holds a tool call without a name");
    if (!tool.started && tool.pending.empty()) tool.pending = "{}";
    if (auto sent = advance(tool); !sent) return sent;
    if (!sink_.toolEnd(tool.id)) return gone();
  }
  if (usage_.output_tokens < 0 && content_) {
    usage_.estimated = 1;
    usage_.output_tokens =
        static_cast<int64_t>((characters_ + kCharactersPerToken - 1) / kCharactersPerToken);
  }
  return passed(sink_.usage(usage_) && sink_.finish(reason));
}

}  // namespace omni::openai_upstream
