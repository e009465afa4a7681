#pragma once
// What the wire tests share: frames as upstream sends them, and the request document as a tree to
// look into.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <omniroute/testing/recording_sink.hpp>
#include <omniroute/testing/request_builder.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/kiro/event_stream.hpp"
#include "plugins/kiro/reply.hpp"
#include "plugins/kiro/translate.hpp"

namespace omni::kiro::wire {

namespace json = boost::json;
using sdk::testing::RecordingSink;
using sdk::testing::RequestBuilder;

// ---- requests

struct Document {
  sdk::Result<Translated> result;
  json::value root;

  // JSON pointer; null when there is nothing.
  json::value at(std::string_view pointer) const {
    json::error_code code;
    const auto* found = root.find_pointer(json::string_view(pointer.data(), pointer.size()), code);
    return found && !code ? *found : json::value();
  }
  std::string text(std::string_view pointer) const {
    const auto value = at(pointer);
    return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  }
  bool has(std::string_view pointer) const {
    json::error_code code;
    return root.find_pointer(json::string_view(pointer.data(), pointer.size()), code) != nullptr;
  }
  size_t size(std::string_view pointer) const {
    const auto value = at(pointer);
    return value.is_array() ? value.get_array().size() : 0;
  }
};

inline Document document(RequestBuilder& request, const TranslateOptions& options = {}) {
  Document out{translate(request.build(), options), {}};
  if (!out.result) return out;
  json::error_code code;
  json::parse_options limits;
  limits.max_depth = 200;
  out.root = json::parse(out.result->body, code, {}, limits);
  EXPECT_FALSE(code) << out.result->body;
  return out;
}

inline constexpr const char* kCurrent = "/conversationState/currentMessage/userInputMessage";
inline std::string current(std::string_view rest) {
  return kCurrent + std::string(rest);
}
inline std::string history(size_t index, std::string_view rest) {
  return "/conversationState/history/" + std::to_string(index) + std::string(rest);
}

// ---- answers

inline void put32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}
inline void header(std::string& out, std::string_view name, std::string_view value) {
  out += static_cast<char>(name.size());
  out += name;
  out += '\7';
  out += static_cast<char>(value.size() >> 8);
  out += static_cast<char>(value.size());
  out += value;
}
inline std::string frame(std::string_view type, std::string_view payload,
                         std::string_view kind = "event") {
  std::string headers;
  header(headers, kind == "exception" ? ":exception-type" : ":event-type", type);
  header(headers, ":content-type", "application/json");
  header(headers, ":message-type", kind);
  std::string out;
  put32(out, static_cast<uint32_t>(headers.size() + payload.size() + 16));
  put32(out, static_cast<uint32_t>(headers.size()));
  put32(out, crc32(out));
  out += headers;
  out += payload;
  put32(out, crc32(out));
  return out;
}
inline std::string jsonText(std::string_view text) {
  return json::serialize(json::value(json::string(text.data(), text.size())));
}
inline std::string say(std::string_view text) {
  return frame("assistantResponseEvent", R"({"content":)" + jsonText(text) + "}");
}
inline std::string think(std::string_view text) {
  return frame("reasoningContentEvent", R"({"text":)" + jsonText(text) + "}");
}
inline std::string sign(std::string_view signature) {
  return frame("reasoningContentEvent", R"({"signature":)" + jsonText(signature) + "}");
}
// A frame of a tool call; `rest` are the members after the name and the id.
inline std::string use(std::string_view id, std::string_view rest = {},
                       std::string_view name = "edit") {
  std::string payload = R"({"name":)" + jsonText(name) + R"(,"toolUseId":)" + jsonText(id);
  if (!rest.empty()) payload += "," + std::string(rest);
  return frame("toolUseEvent", payload + "}");
}
inline std::string input(std::string_view id, std::string_view fragment,
                         std::string_view name = "edit") {
  return use(id, R"("input":)" + jsonText(fragment), name);
}
inline std::string stop(std::string_view id, std::string_view name = "edit") {
  return use(id, R"("stop":true)", name);
}
inline std::string metadata(std::string_view members) {
  return frame("metadataEvent", "{" + std::string(members) + "}");
}
inline const std::string kInitial = frame("initial-response", R"({"conversationId":""})");
inline const std::string kTail =
    frame("contextUsageEvent", R"({"contextUsagePercentage":10.0})") +
    frame("meteringEvent", R"({"unit":"credit","unitPlural":"credits","usage":0.5})");

struct Heard {
  sdk::Result<ReplyEnd> end = ReplyEnd::Complete;
  RecordingSink sink;
  std::string error() const { return end ? "" : end.error().message; }
  uint32_t kind() const { return end ? 99 : end.error().kind; }
  // Everything a client could see, in one text to compare.
  std::string story() const {
    std::string out;
    for (const auto& e : sink.events()) {
      if (e.kind == OMNI_EVENT_STARTED) continue;
      out += std::to_string(e.kind) + "|" + e.id + "|" + e.name + "|" + e.text + "|" +
             std::to_string(e.finish);
      if (e.usage)
        out += "|" + std::to_string(e.usage->input_tokens) + "/" +
               std::to_string(e.usage->output_tokens) + "/" + std::to_string(e.usage->credits);
      out += "\n";
    }
    return out;
  }
};

// Feeds the pieces; the answer ends early at a failure, as a transfer would.
inline void hear(Heard& out, const std::vector<std::string_view>& pieces,
                 ReplyOptions options = {}) {
  sdk::EventSink sink(out.sink.raw());
  Reply reply(sink, std::move(options));
  for (const auto piece : pieces) {
    if (auto fed = reply.feed(piece); !fed) {
      out.end = std::unexpected(std::move(fed.error()));
      return;
    }
    if (reply.stopped()) break;
  }
  out.end = reply.finish();
}
inline std::unique_ptr<Heard> hear(std::string_view stream, ReplyOptions options = {}) {
  auto out = std::make_unique<Heard>();
  hear(*out, {stream}, std::move(options));
  return out;
}

}  // namespace omni::kiro::wire
