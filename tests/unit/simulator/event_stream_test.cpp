#include "simulator/event_stream.hpp"

#include <gtest/gtest.h>

#include "simulator/random.hpp"

namespace omni::sim {
namespace {

const std::string kPayload = "{'foo':'bar'}";

FrameHeaders everyType() {
  return {{"event-type", std::int32_t{40972}},
          {"content-type", std::string("application/json")},
          {"bool false", false},
          {"bool true", true},
          {"byte", std::int8_t{-49}},
          {"byte buf", Bytes{"I'm a little teapot!"}},
          {"timestamp", Timestamp{8675309}},
          {"int16", std::int16_t{42}},
          {"int64", std::int64_t{42424242}},
          {"uuid", UuidBytes{unhex("0102030405060708090a0b0c0d0e0f10")}}};
}

void expectGolden(const FrameHeaders& headers, const std::string& payload, const char* golden) {
  EXPECT_EQ(hex(encodeFrame(headers, payload)), golden);
  const auto decoded = decodeFrame(unhex(golden));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->headers, headers);
  EXPECT_EQ(decoded->payload, payload);
}

TEST(EventStream, GoldenEmpty) {
  expectGolden({}, "", "000000100000000005c248eb7d98c8ff");
}

TEST(EventStream, GoldenPayloadOnly) {
  expectGolden({}, kPayload, "0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936");
}

TEST(EventStream, GoldenStringHeader) {
  expectGolden(
      {{"content-type", std::string("application/json")}}, kPayload,
      "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f"
      "6e7b27666f6f273a27626172277d8d9c08b1");
}

TEST(EventStream, GoldenIntegerHeader) {
  expectGolden(
      {{"event-type", std::int32_t{40972}}}, kPayload,
      "0000002d0000001041c424b80a6576656e742d74797065040000a00c7b27666f6f273a27626172277d36f4"
      "80a0");
}

TEST(EventStream, GoldenEveryHeaderType) {
  expectGolden(
      everyType(), kPayload,
      "000000cc000000af0fae64ca0a6576656e742d74797065040000a00c0c636f6e74656e742d747970650700"
      "106170706c69636174696f6e2f6a736f6e0a626f6f6c2066616c73650109626f6f6c207472756500046279"
      "746502cf08627974652062756606001449276d2061206c6974746c6520746561706f74210974696d657374"
      "616d70080000000000845fed05696e74313603002a05696e7436340500000000028757b204757569640901"
      "02030405060708090a0b0c0d0e0f107b27666f6f273a27626172277daba5f10c");
}

TEST(EventStream, GoldenLiveFrames) {
  EXPECT_EQ(
      hex(encodeEvent("initial-response", R"({"conversationId":""})",
                      "application/x-amz-json-1.0")),
      "0000008500000060519681d30b3a6576656e742d74797065070010696e697469616c2d726573706f6e73650d3a"
      "636f6e74656e742d7479706507001a6170706c69636174696f6e2f782d616d7a2d6a736f6e2d312e300d3a6d65"
      "73736167652d747970650700056576656e747b22636f6e766572736174696f6e4964223a22227d77ad4ee8");
  EXPECT_EQ(
      hex(encodeEvent("toolUseEvent",
                      R"({"name":"introspect","toolUseId":"tooluse_QSfOosa0r0YluOOQ0MolaE"})")),
      "000000a40000005265e0d6e70b3a6576656e742d7479706507000c746f6f6c5573654576656e740d3a636f6e74"
      "656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d7479706507000565"
      "76656e747b226e616d65223a22696e74726f7370656374222c22746f6f6c5573654964223a22746f6f6c757365"
      "5f5153664f6f7361307230596c754f4f51304d6f6c6145227d18479138");
  EXPECT_EQ(
      hex(encodeEvent("meteringEvent",
                      R"({"unit":"credit","unitPlural":"credits","usage":0.04613388159203981})")),
      "000000a70000005355479ca10b3a6576656e742d7479706507000d6d65746572696e674576656e740d3a636f6e"
      "74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070005"
      "6576656e747b22756e6974223a22637265646974222c22756e6974506c7572616c223a2263726564697473222c"
      "227573616765223a302e30343631333338383135393230333938317d2f76c545");
  EXPECT_EQ(
      hex(encodeException("throttlingError",
                          R"({"message":"Too many requests, please wait before trying again.",)"
                          R"("reason":"USER_REQUEST_RATE_EXCEEDED"})")),
      "000000d40000005d0c8d2bb90f3a657863657074696f6e2d7479706507000f7468726f74746c696e674572726f"
      "720d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74"
      "7970650700"
      "09657863657074696f6e7b226d657373616765223a22546f6f206d616e792072657175657374732c20706c6561"
      "73652077616974206265666f726520747279696e6720616761696e2e222c22726561736f6e223a22555345525f"
      "524551554553545f524154455f4558434545444544227dea132577");
}

TEST(EventStream, EveryFlippedByteIsNoticed) {
  const auto good = encodeFrame(everyType(), kPayload);
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(decodeFrame(bad)) << i;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decodeFrame(std::string_view(good).substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace omni::sim
