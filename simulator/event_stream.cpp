#include "simulator/event_stream.hpp"

#include <array>

namespace omni::sim {
namespace {

constexpr std::size_t kOverhead = 16;

constexpr std::array<std::uint32_t, 256> makeCrcTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t n = 0; n < 256; ++n) {
    std::uint32_t value = n;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1U) != 0 ? 0xEDB88320U ^ (value >> 1U) : value >> 1U;
    }
    table[n] = value;
  }
  return table;
}
constexpr auto kCrcTable = makeCrcTable();

template <typename T>
void putBig(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((static_cast<std::uint64_t>(value) >> shift) & 0xFFU);
  }
}

std::uint64_t takeBig(std::string_view data, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8U | static_cast<unsigned char>(data[i]);
  return value;
}

struct HeaderWriter {
  std::string& out;
  void operator()(bool value) const { out += static_cast<char>(value ? 0 : 1); }
  void operator()(std::int8_t value) const { number(2, value); }
  void operator()(std::int16_t value) const { number(3, value); }
  void operator()(std::int32_t value) const { number(4, value); }
  void operator()(std::int64_t value) const { number(5, value); }
  void operator()(const Bytes& value) const { sized(6, value.value); }
  void operator()(const std::string& value) const { sized(7, value); }
  void operator()(Timestamp value) const { number(8, value.milliseconds); }
  void operator()(const UuidBytes& value) const {
    out += static_cast<char>(9);
    out += value.value;
  }

  template <typename T>
  void number(char type, T value) const {
    out += type;
    putBig(out, value);
  }
  void sized(char type, std::string_view value) const {
    out += type;
    putBig(out, static_cast<std::uint16_t>(value.size()));
    out += value;
  }
};

// Takes one header value off the front of data.
std::optional<HeaderValue> takeValue(std::string_view& data) {
  if (data.empty()) return std::nullopt;
  const auto type = static_cast<unsigned char>(data[0]);
  data.remove_prefix(1);
  if (type == 0) return HeaderValue(true);
  if (type == 1) return HeaderValue(false);
  std::size_t size = 0;
  switch (type) {
    case 2:
      size = 1;
      break;
    case 3:
      size = 2;
      break;
    case 4:
      size = 4;
      break;
    case 5:
    case 8:
      size = 8;
      break;
    case 6:
    case 7:
      if (data.size() < 2) return std::nullopt;
      size = takeBig(data, 2);
      data.remove_prefix(2);
      break;
    case 9:
      size = 16;
      break;
    default:
      return std::nullopt;
  }
  if (data.size() < size) return std::nullopt;
  const auto raw = data.substr(0, size);
  data.remove_prefix(size);
  switch (type) {
    case 2:
      return HeaderValue(static_cast<std::int8_t>(takeBig(raw, 1)));
    case 3:
      return HeaderValue(static_cast<std::int16_t>(takeBig(raw, 2)));
    case 4:
      return HeaderValue(static_cast<std::int32_t>(takeBig(raw, 4)));
    case 5:
      return HeaderValue(static_cast<std::int64_t>(takeBig(raw, 8)));
    case 6:
      return HeaderValue(Bytes{std::string(raw)});
    case 7:
      return HeaderValue(std::string(raw));
    case 8:
      return HeaderValue(Timestamp{static_cast<std::int64_t>(takeBig(raw, 8))});
    default:
      return HeaderValue(UuidBytes{std::string(raw)});
  }
}

}  // namespace

std::uint32_t crc32(std::string_view data) {
  std::uint32_t value = 0xFFFFFFFFU;
  for (const char c : data) {
    value = kCrcTable[(value ^ static_cast<unsigned char>(c)) & 0xFFU] ^ (value >> 8U);
  }
  return value ^ 0xFFFFFFFFU;
}

std::string encodeFrame(const FrameHeaders& headers, std::string_view payload) {
  std::string packed;
  for (const auto& [name, value] : headers) {
    packed += static_cast<char>(name.size());
    packed += name;
    std::visit(HeaderWriter{packed}, value);
  }
  std::string out;
  out.reserve(packed.size() + payload.size() + kOverhead);
  putBig(out, static_cast<std::uint32_t>(packed.size() + payload.size() + kOverhead));
  putBig(out, static_cast<std::uint32_t>(packed.size()));
  putBig(out, crc32(out));
  out += packed;
  out += payload;
  putBig(out, crc32(out));
  return out;
}

std::string encodeEvent(std::string_view type, std::string_view payload,
                        std::string_view content_type) {
  return encodeFrame({{":event-type", std::string(type)},
                      {":content-type", std::string(content_type)},
                      {":message-type", std::string("event")}},
                     payload);
}

std::string encodeException(std::string_view member, std::string_view payload) {
  return encodeFrame({{":exception-type", std::string(member)},
                      {":content-type", std::string("application/json")},
                      {":message-type", std::string("exception")}},
                     payload);
}

std::string encodeError(std::string_view code, std::string_view message) {
  return encodeFrame({{":error-code", std::string(code)},
                      {":error-message", std::string(message)},
                      {":message-type", std::string("error")}},
                     "");
}

std::optional<Frame> decodeFrame(std::string_view bytes) {
  if (bytes.size() < kOverhead) return std::nullopt;
  const auto total = takeBig(bytes, 4);
  const auto headers_size = takeBig(bytes.substr(4), 4);
  if (takeBig(bytes.substr(8), 4) != crc32(bytes.substr(0, 8))) return std::nullopt;
  if (total != bytes.size() || headers_size > total - kOverhead) return std::nullopt;
  if (takeBig(bytes.substr(total - 4), 4) != crc32(bytes.substr(0, total - 4))) return std::nullopt;
  Frame frame;
  auto rest = bytes.substr(12, headers_size);
  while (!rest.empty()) {
    const auto name_size = static_cast<unsigned char>(rest[0]);
    if (rest.size() < name_size + 1U) return std::nullopt;
    std::string name(rest.substr(1, name_size));
    rest.remove_prefix(name_size + 1U);
    auto value = takeValue(rest);
    if (!value) return std::nullopt;
    frame.headers.emplace_back(std::move(name), std::move(*value));
  }
  frame.payload = bytes.substr(12 + headers_size, total - headers_size - kOverhead);
  return frame;
}

}  // namespace omni::sim
