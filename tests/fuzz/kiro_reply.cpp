// A streamed answer of Kiro. Checksums would stop nearly every mutation at the door, so the bytes
// are used twice: as they are, and as payloads of well-formed frames.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "plugins/kiro/event_stream.hpp"
#include "plugins/kiro/reply.hpp"

namespace {

using namespace omni;

void put32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void header(std::string& out, std::string_view name, std::string_view value) {
  out += static_cast<char>(name.size());
  out += name;
  out += '\x07';
  out += static_cast<char>(value.size() >> 8);
  out += static_cast<char>(value.size() & 0xff);
  out += value;
}

std::string frame(std::string_view type, std::string_view event, std::string_view payload) {
  std::string headers;
  header(headers, ":message-type", type);
  header(headers, type == "event" ? ":event-type" : ":exception-type", event);
  std::string out;
  put32(out, static_cast<uint32_t>(16 + headers.size() + payload.size()));
  put32(out, static_cast<uint32_t>(headers.size()));
  put32(out, kiro::crc32(out));
  out += headers;
  out += payload;
  put32(out, kiro::crc32(out));
  return out;
}

// Lines: a letter for the kind of frame, then its payload.
std::string frames(std::string_view bytes) {
  static constexpr std::array<std::string_view, 8> kEvents = {
      "assistantResponseEvent", "toolUseEvent",  "reasoningContentEvent", "metadataEvent",
      "contextUsageEvent",      "meteringEvent", "messageMetadataEvent",  "invalidStateEvent"};
  std::string out;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const auto line = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (line.empty()) continue;
    const auto kind = static_cast<unsigned char>(line[0]);
    if (kind == 'x')
      out += frame("exception", "ThrottlingException", line.substr(1));
    else
      out += frame("event", kEvents[kind % kEvents.size()], line.substr(1));
  }
  return out;
}

struct Seen {
  std::string text;  // of all events, in order
  int finished = 0;
  bool ok = false;
};

Seen answer(std::string_view bytes, size_t piece) {
  Seen seen;
  omni_sink_t raw{};
  raw.struct_size = sizeof(raw);
  raw.context = &seen;
  raw.on_event = [](void* context, const omni_event_t* event) -> omni_status_t {
    auto& s = *static_cast<Seen*>(context);
    if (s.finished > 0) std::abort();  // nothing after the last event
    if (event->kind == OMNI_EVENT_FINISH) ++s.finished;
    if (event->kind != OMNI_EVENT_STARTED && event->text.data)
      s.text.append(event->text.data, event->text.size);
    return OMNI_OK;
  };
  sdk::EventSink sink(&raw);
  kiro::ReplyOptions options;
  options.stop = {"STOP"};
  kiro::Reply reply(sink, options);
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    if (!reply.feed(part)) return seen;
  }
  seen.ok = reply.finish().has_value();
  if (seen.ok && seen.finished != 1) std::abort();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string stream = data[0] % 4 == 0 ? std::string(bytes) : frames(bytes);
  const Seen whole = answer(stream, stream.size() + 1);
  const Seen pieces = answer(stream, data[1] % 61u + 1);
  if (whole.ok != pieces.ok || whole.finished != pieces.finished) std::abort();
  if (whole.ok && whole.text != pieces.text) std::abort();
  return 0;
}
