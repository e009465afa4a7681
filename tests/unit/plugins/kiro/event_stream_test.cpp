#include "plugins/kiro/event_stream.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace omni::kiro {
namespace {

std::string fromHex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

void put32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

// A frame with right checksums around whatever header bytes are given.
std::string frame(std::string_view headers, std::string_view payload) {
  std::string out;
  put32(out, static_cast<uint32_t>(headers.size() + payload.size() + 16));
  put32(out, static_cast<uint32_t>(headers.size()));
  put32(out, crc32(out));
  out += headers;
  out += payload;
  put32(out, crc32(out));
  return out;
}

struct Vector {
  const char* name;
  const char* hex;
  const char* message_type;
  const char* type;  // of the event or the exception
  const char* payload;
};

// kiro-protocol F.1.
const std::vector<Vector> kVectors = {
    {"empty", "000000100000000005c248eb7d98c8ff", "", "", ""},
    {"payload only", "0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936", "", "",
     "{'foo':'bar'}"},
    {"string header",
     "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b276"
     "6"
     "6f6f273a27626172277d8d9c08b1",
     "", "", "{'foo':'bar'}"},
    {"int32 header",
     "0000002d0000001041c424b80a6576656e742d74797065040000a00c7b27666f6f273a27626172277d36f480a0",
     "", "", "{'foo':'bar'}"},
    {"all header types",
     "000000cc000000af0fae64ca0a6576656e742d74797065040000a00c0c636f6e74656e742d7479706507001061707"
     "0"
     "6c69636174696f6e2f6a736f6e0a626f6f6c2066616c73650109626f6f6c207472756500046279746502cf0862797"
     "4"
     "652062756606001449276d2061206c6974746c6520746561706f74210974696d657374616d70080000000000845fe"
     "d"
     "05696e74313603002a05696e7436340500000000028757b20475756964090102030405060708090a0b0c0d0e0f107"
     "b"
     "27666f6f273a27626172277daba5f10c",
     "", "", "{'foo':'bar'}"},
    {"live initial-response",
     "0000008500000060519681d30b3a6576656e742d74797065070010696e697469616c2d726573706f6e73650d3a636"
     "f"
     "6e74656e742d7479706507001a6170706c69636174696f6e2f782d616d7a2d6a736f6e2d312e300d3a6d657373616"
     "7"
     "652d747970650700056576656e747b22636f6e766572736174696f6e4964223a22227d77ad4ee8",
     "event", "initial-response", R"({"conversationId":""})"},
    {"live toolUseEvent",
     "000000a40000005265e0d6e70b3a6576656e742d7479706507000c746f6f6c5573654576656e740d3a636f6e74656"
     "e"
     "742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e7"
     "4"
     "7b226e616d65223a22696e74726f7370656374222c22746f6f6c5573654964223a22746f6f6c7573655f5153664f6"
     "f"
     "7361307230596c754f4f51304d6f6c6145227d18479138",
     "event", "toolUseEvent",
     R"({"name":"introspect","toolUseId":"tooluse_QSfOosa0r0YluOOQ0MolaE"})"},
    {"live meteringEvent",
     "000000a70000005355479ca10b3a6576656e742d7479706507000d6d65746572696e674576656e740d3a636f6e746"
     "5"
     "6e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656"
     "e"
     "747b22756e6974223a22637265646974222c22756e6974506c7572616c223a2263726564697473222c22757361676"
     "5"
     "223a302e30343631333338383135393230333938317d2f76c545",
     "event", "meteringEvent",
     R"({"unit":"credit","unitPlural":"credits","usage":0.04613388159203981})"},
    {"throttlingError",
     "000000d40000005d0c8d2bb90f3a657863657074696f6e2d7479706507000f7468726f74746c696e674572726f720"
     "d"
     "3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650"
     "7"
     "0009657863657074696f6e7b226d657373616765223a22546f6f206d616e792072657175657374732c20706c65617"
     "3"
     "652077616974206265666f726520747279696e6720616761696e2e222c22726561736f6e223a22555345525f52455"
     "1"
     "554553545f524154455f4558434545444544227dea132577",
     "exception", "throttlingError",
     R"({"message":"Too many requests, please wait before trying again.","reason":"USER_REQUEST_RATE_EXCEEDED"})"},
};

struct Seen {
  std::string message_type, type, payload;
  bool operator==(const Seen&) const = default;
};

struct Outcome {
  std::vector<Seen> frames;
  std::string error;
  bool partial = false;
};

Outcome decode(const std::vector<std::string_view>& pieces) {
  Outcome out;
  EventStreamDecoder decoder;
  for (const auto piece : pieces) {
    decoder.feed(piece);
    Frame f;
    for (;;) {
      auto more = decoder.next(f);
      if (!more) {
        out.error = more.error();
        return out;
      }
      if (!*more) break;
      out.frames.push_back({std::string(f.message_type),
                            std::string(f.event_type.empty() ? f.exception_type : f.event_type),
                            std::string(f.payload)});
    }
  }
  out.partial = decoder.hasPartialFrame();
  return out;
}

TEST(EventStream, GoldenVectors) {
  for (const auto& v : kVectors) {
    SCOPED_TRACE(v.name);
    const std::string bytes = fromHex(v.hex);
    const Outcome out = decode({bytes});
    EXPECT_EQ(out.error, "");
    EXPECT_FALSE(out.partial);
    ASSERT_EQ(out.frames.size(), 1u);
    EXPECT_EQ(out.frames[0], (Seen{v.message_type, v.type, v.payload}));
  }
}

std::string allVectors() {
  std::string all;
  for (const auto& v : kVectors) all += fromHex(v.hex);
  return all;
}

// H.9 row 70.
TEST(EventStream, SplitAtEveryByteGivesTheSameFrames) {
  const std::string all = allVectors();
  const Outcome whole = decode({all});
  ASSERT_EQ(whole.frames.size(), kVectors.size());
  for (size_t cut = 0; cut <= all.size(); ++cut) {
    const std::string_view text = all;
    const Outcome out = decode({text.substr(0, cut), text.substr(cut)});
    ASSERT_EQ(out.error, "") << cut;
    ASSERT_EQ(out.frames, whole.frames) << cut;
    ASSERT_FALSE(out.partial) << cut;
  }
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < all.size(); ++i) bytes.push_back(std::string_view(all).substr(i, 1));
  EXPECT_EQ(decode(bytes).frames, whole.frames);
}

// H.9 row 76: what remains at the end of the stream is seen.
TEST(EventStream, EveryTruncationIsDetected) {
  const std::string bytes = fromHex(kVectors[5].hex);
  for (size_t size = 1; size < bytes.size(); ++size) {
    const Outcome out = decode({std::string_view(bytes).substr(0, size)});
    EXPECT_EQ(out.error, "") << size;
    EXPECT_TRUE(out.frames.empty()) << size;
    EXPECT_TRUE(out.partial) << size;
  }
}

// H.9 row 71, for every byte: no flipped bit gets through.
TEST(EventStream, EveryFlippedByteIsRefused) {
  for (const auto& v : kVectors) {
    const std::string good = fromHex(v.hex);
    for (size_t i = 0; i < good.size(); ++i) {
      std::string broken = good;
      broken[i] = static_cast<char>(broken[i] ^ 1);
      const Outcome out = decode({broken});
      EXPECT_TRUE(out.frames.empty()) << v.name << " byte " << i;
      EXPECT_NE(out.error, "") << v.name << " byte " << i;
    }
  }
}

TEST(EventStream, ABrokenStreamStaysBroken) {
  std::string broken = fromHex(kVectors[1].hex);
  broken.back() = static_cast<char>(broken.back() ^ 1);
  EventStreamDecoder decoder;
  decoder.feed(broken);
  Frame f;
  const auto first = decoder.next(f);
  ASSERT_FALSE(first);
  decoder.feed(fromHex(kVectors[0].hex));
  const auto second = decoder.next(f);
  ASSERT_FALSE(second);
  EXPECT_EQ(first.error(), second.error());
}

TEST(EventStream, ImpossibleLengthsAreRefusedBeforeAnythingIsBuffered) {
  struct Row {
    const char* name;
    uint32_t total, headers;
  };
  for (const Row& row :
       {Row{"shorter than a frame", 15, 0}, Row{"headers longer than the frame", 40, 25},
        Row{"frame over the limit", EventStreamDecoder::kLargestFrame + 1, 0},
        Row{"headers over the limit", EventStreamDecoder::kLargestFrame,
            EventStreamDecoder::kLargestHeaders + 1},
        Row{"all ones", 0xFFFFFFFFu, 0xFFFFFFFFu}}) {
    std::string prelude;
    put32(prelude, row.total);
    put32(prelude, row.headers);
    put32(prelude, crc32(prelude));
    EXPECT_NE(decode({prelude}).error, "") << row.name;
  }
}

TEST(EventStream, MalformedHeadersAreRefused) {
  using std::string_literals::operator""s;
  for (const std::string& headers :
       {"\0"s, "\5ab"s, "\1a"s, "\1a\x0a"s, "\1a\7"s, "\1a\7\0\5ab"s, "\1a\4\0\0"s, "\1a\x09"s}) {
    EXPECT_NE(decode({frame(headers, "{}")}).error, "");
  }
}

TEST(EventStream, OrderOfHeadersDoesNotMatter) {
  using std::string_literals::operator""s;
  const std::string headers =
      "\x0d:message-type\7\0\5error\x0b:error-code\7\0\3Bad\x0e:error-message\7\0\4Stop"s;
  EventStreamDecoder decoder;
  decoder.feed(frame(headers, ""));
  Frame f;
  const auto got = decoder.next(f);
  ASSERT_TRUE(got && *got);
  EXPECT_EQ(f.message_type, "error");
  EXPECT_EQ(f.error_code, "Bad");
  EXPECT_EQ(f.error_message, "Stop");
}

TEST(EventStream, Crc32OfTheCheckString) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926u);
}

}  // namespace
}  // namespace omni::kiro
