#pragma once

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "simulator/event_stream.hpp"
#include "simulator/json.hpp"
#include "simulator/random.hpp"
#include "simulator/server.hpp"

namespace omni::sim::testing {

struct Answer {
  int status = 0;
  std::string body;
  std::string error_type;
  std::string location;
  std::string content_type;

  json::value json() const { return json::parse(body); }
  std::string at(std::string_view key) const {
    const auto value = json();
    return text(member(&value, key));
  }
};

// A running simulator on a free port, spoken to over real sockets.
class SimTest : public ::testing::Test {
 protected:
  void SetUp() override { server_.start(); }
  void TearDown() override { server_.stop(); }

  Answer call(const std::string& method, const std::string& path, const std::string& body = {},
              const HeaderList& headers = {}) {
    Poco::Net::HTTPClientSession session("127.0.0.1", server_.port());
    session.setTimeout(Poco::Timespan(10, 0));
    Poco::Net::HTTPRequest request(method, path, "HTTP/1.1");
    for (const auto& [name, value] : headers) request.set(name, value);
    request.setContentLength(static_cast<int>(body.size()));
    session.sendRequest(request) << body;
    Poco::Net::HTTPResponse response;
    auto& in = session.receiveResponse(response);
    Answer out;
    out.body.assign(std::istreambuf_iterator<char>(in), {});
    out.status = static_cast<int>(response.getStatus());
    out.error_type = response.get("x-amzn-errortype", "");
    out.location = response.get("location", "");
    out.content_type = response.getContentType();
    return out;
  }

  Answer post(const std::string& path, const json::value& body, const HeaderList& headers = {}) {
    return call("POST", path, json::serialize(body), headers);
  }

  json::object account(const json::object& spec) {
    const auto answer = post("/__control/accounts", spec);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.json().as_object();
  }

  json::object registerClient(const std::string& region = "us-east-1", json::object more = {}) {
    more["clientName"] = "test";
    more["clientType"] = "public";
    const auto answer = post("/oidc/" + region + "/client/register", more);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json().as_object();
  }

  Answer token(const json::object& client, const json::object& more,
               const std::string& region = "us-east-1") {
    json::object body = more;
    if (!body.contains("clientId")) body["clientId"] = client.at("clientId");
    if (!body.contains("clientSecret")) body["clientSecret"] = client.at("clientSecret");
    return post("/oidc/" + region + "/token", body);
  }

  Answer refresh(const json::object& client, const std::string& refresh_token,
                 const std::string& region = "us-east-1") {
    return token(client, {{"grantType", "refresh_token"}, {"refreshToken", refresh_token}}, region);
  }

  Answer generate(const json::object& account, const json::value& body,
                  const std::string& base = "/runtime/us-east-1",
                  const std::string& target = "KiroRuntimeService.GenerateAssistantResponse") {
    return post(base + "/", body,
                {{"Authorization", "Bearer " + text(account, "accessToken")},
                 {"X-Amz-Target", target},
                 {"Content-Type", "application/x-amz-json-1.0"}});
  }

  static json::object chat(const json::object& account, const std::string& content) {
    return json::parse(R"({"profileArn":")" + text(account, "profileArn") +
                       R"(","conversationState":{"chatTriggerType":"MANUAL","history":[],)"
                       R"("currentMessage":{"userInputMessage":{"content":")" +
                       content + R"(","modelId":"auto"}}}})")
        .as_object();
  }

  // Splits a body into frames; the rest, if any, is put into left_over.
  static std::vector<Frame> frames(const std::string& body, std::string* left_over = nullptr) {
    std::vector<Frame> out;
    std::size_t at = 0;
    while (body.size() - at >= 16) {
      std::size_t size = 0;
      for (std::size_t i = 0; i < 4; ++i)
        size = size << 8U | static_cast<unsigned char>(body[at + i]);
      if (size < 16 || size > body.size() - at) break;
      auto frame = decodeFrame(std::string_view(body).substr(at, size));
      if (!frame) break;
      out.push_back(std::move(*frame));
      at += size;
    }
    if (left_over != nullptr) *left_over = body.substr(at);
    return out;
  }

  static std::string header(const Frame& frame, std::string_view name) {
    for (const auto& [key, value] : frame.headers) {
      if (key == name && std::holds_alternative<std::string>(value))
        return std::get<std::string>(value);
    }
    return {};
  }

  static std::vector<std::string> types(const std::vector<Frame>& list) {
    std::vector<std::string> out;
    for (const auto& frame : list) {
      auto type = header(frame, ":event-type");
      if (type.empty()) type = header(frame, ":exception-type");
      if (out.empty() || out.back() != type) out.push_back(type);
    }
    return out;
  }

  static std::string streamedText(const std::vector<Frame>& list) {
    std::string out;
    for (const auto& frame : list) {
      if (header(frame, ":event-type") != "assistantResponseEvent") continue;
      const auto payload = json::parse(frame.payload);
      out += text(member(&payload, "content"));
    }
    return out;
  }

  World world_;
  Server server_{world_, 0};
};

}  // namespace omni::sim::testing
