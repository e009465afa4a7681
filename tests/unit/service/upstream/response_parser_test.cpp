#include "service/upstream/response_parser.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace omni::upstream {
namespace {

struct Read {
  std::optional<int> status;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Result<> result;
  bool done = false;
  bool reusable = false;
};

// Feeds in pieces of `step` bytes, then the end.
Read read(std::string_view text, size_t step, bool head_request = false) {
  Read out;
  const UpstreamClient::OnResponse on_response =
      [&](int status, const std::vector<HttpHeader>& headers) -> Result<> {
    out.status = status;
    for (const HttpHeader& h : headers) out.headers.emplace_back(h.name, h.value);
    return {};
  };
  const UpstreamClient::OnBody on_body = [&](std::string_view bytes) -> Result<> {
    out.body += bytes;
    return {};
  };
  ResponseParser parser(head_request, on_response, on_body);
  for (size_t at = 0; at < text.size() && out.result; at += step)
    out.result = parser.feed(text.substr(at, step));
  out.done = parser.done();
  out.reusable = parser.reusable();
  if (out.result) out.result = parser.end();
  return out;
}

class AnyStep : public ::testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Steps, AnyStep, ::testing::Values(1, 2, 7, 4096));

TEST_P(AnyStep, ReadsAChunkedAnswerWithExtensionsAndTrailers) {
  const Read out = read(
      "HTTP/1.1 200 OK\r\nX-A:  b \r\nTransfer-Encoding: chunked\r\n\r\n"
      "4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\nX-T: 1\r\n\r\n",
      GetParam());
  ASSERT_TRUE(out.result) << out.result.error().message;
  EXPECT_EQ(out.status, 200);
  EXPECT_EQ(out.headers.front(), (std::pair<std::string, std::string>("X-A", "b")));
  EXPECT_EQ(out.body, "Wikipedia");
  EXPECT_TRUE(out.reusable);
}

TEST_P(AnyStep, ReadsALengthAndSkipsInterimAnswers) {
  const Read out = read(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow\r\ncontent-length: 3\r\n\r\nabc", GetParam());
  ASSERT_TRUE(out.result) << out.result.error().message;
  EXPECT_EQ(out.status, 429);
  EXPECT_EQ(out.body, "abc");
  EXPECT_TRUE(out.reusable);
}

TEST_P(AnyStep, EveryCutOfAChunkedAnswerIsNoticed) {
  const std::string whole =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (size_t size = 1; size < whole.size(); ++size) {
    const Read out = read(std::string_view(whole).substr(0, size), GetParam());
    ASSERT_FALSE(out.result) << size;
    EXPECT_EQ(out.result.error().kind, FailureKind::Network) << size;
  }
}

TEST_P(AnyStep, ABodyWithoutAFrameEndsWithTheConnection) {
  const Read out = read("HTTP/1.1 200 OK\r\n\r\nuntil the end", GetParam());
  ASSERT_TRUE(out.result);
  EXPECT_EQ(out.body, "until the end");
  EXPECT_FALSE(out.reusable);
}

TEST(ResponseParser, KnowsAnswersWithoutABody) {
  EXPECT_TRUE(read("HTTP/1.1 204 No Content\r\n\r\n", 64).done);
  EXPECT_TRUE(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 64).done);
  EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 64, true).done);
  EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 64).done);
}

TEST(ResponseParser, DoesNotReuseAfterCloseOrSurplusBytes) {
  EXPECT_FALSE(
      read("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\na", 999).reusable);
  EXPECT_FALSE(read("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 999).reusable);
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK", 999).reusable);
}

TEST(ResponseParser, RefusesWhatIsMalformed) {
  for (const char* text :
       {"ICY 200 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nnocolon\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"}) {
    const Read out = read(text, 4096);
    ASSERT_FALSE(out.result) << text;
    EXPECT_EQ(out.result.error().kind, FailureKind::Protocol) << text;
  }
}

TEST(ResponseParser, BoundsTheHead) {
  const Read out = read("HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'x'), 4096);
  ASSERT_FALSE(out.result);
  EXPECT_EQ(out.result.error().kind, FailureKind::Protocol);
}

}  // namespace
}  // namespace omni::upstream
