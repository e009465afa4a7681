#include "service/http/router.hpp"

#include <gtest/gtest.h>

namespace omni::http {
namespace {

Route route(std::string method, std::string pattern) {
  Route r;
  r.method = std::move(method);
  r.pattern = std::move(pattern);
  return r;
}

TEST(PercentDecode, DecodesAndRefusesMalformed) {
  EXPECT_EQ(percentDecode("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(percentDecode("a+b"), "a+b");
  EXPECT_EQ(percentDecode("a+b", true), "a b");
  EXPECT_FALSE(percentDecode("%"));
  EXPECT_FALSE(percentDecode("%4"));
  EXPECT_FALSE(percentDecode("%zz"));
  EXPECT_FALSE(percentDecode("%00"));
  EXPECT_FALSE(percentDecode("%0d%0a"));
}

TEST(ParseTarget, SplitsPathAndQuery) {
  const auto t = parseTarget("/api/x%2Fy/z?a=1&a=2&b=c%20d+e&flag");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->path, "/api/x/y/z");
  EXPECT_EQ(t->raw_path, "/api/x%2Fy/z");
  EXPECT_EQ(t->segments, (std::vector<std::string>{"api", "x/y", "z"}));
  EXPECT_EQ(t->query.count("a"), 2u);
  EXPECT_EQ(t->query.find("b")->second, "c d e");
  EXPECT_EQ(t->query.find("flag")->second, "");
}

TEST(ParseTarget, RefusesWhatIsNoCleanPath) {
  for (const char* bad : {"", "x", "http://localhost/", "/a/../b", "/a/%2e%2e/b",
                          "/a/..%2f..%2fetc", "/a/..%5cb", "/a#b", "/a%"}) {
    EXPECT_FALSE(parseTarget(bad)) << bad;
  }
}

TEST(Router, LiteralWinsOverParameterAndParameterOverRest) {
  const Router router(
      {route("GET", "/{path*}"), route("GET", "/api/{id}"), route("GET", "/api/list")});
  EXPECT_EQ(router.match("GET", *parseTarget("/api/list")).route->pattern, "/api/list");
  const auto one = router.match("GET", *parseTarget("/api/a%2Fb"));
  EXPECT_EQ(one.route->pattern, "/api/{id}");
  EXPECT_EQ(one.params.at("id"), "a/b");
  const auto rest = router.match("GET", *parseTarget("/css/site/main.css"));
  EXPECT_EQ(rest.route->pattern, "/{path*}");
  EXPECT_EQ(rest.params.at("path"), "css/site/main.css");
}

TEST(Router, UnknownPathAndWrongMethodDiffer) {
  const Router router({route("GET", "/a"), route("POST", "/a"), route("DELETE", "/a/{id}")});
  EXPECT_EQ(router.match("GET", *parseTarget("/b")).allow, "");
  EXPECT_EQ(router.match("GET", *parseTarget("/a/")).route, nullptr);
  const auto wrong = router.match("PUT", *parseTarget("/a"));
  EXPECT_EQ(wrong.route, nullptr);
  EXPECT_EQ(wrong.allow, "GET, HEAD, POST");
  EXPECT_EQ(router.match("HEAD", *parseTarget("/a")).route->method, "GET");
  EXPECT_EQ(router.match("HEAD", *parseTarget("/a/1")).allow, "DELETE");
}

}  // namespace
}  // namespace omni::http
