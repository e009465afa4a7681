#pragma once
// An account of the plugin against answers that a test writes by address, so that what is asked
// besides (profiles, usage) needs no script.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <deque>
#include <map>
#include <omniroute/testing/fake_host.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

extern "C" const omni_plugin_entry_t omni_plugin_entry_kiro;

namespace omni::kiro {

namespace testing_json = boost::json;

class AccountFixture : public ::testing::Test {
 protected:
  using Answer = sdk::testing::ScriptedAnswer;
  using Sent = sdk::testing::RecordedRequest;

  AccountFixture() {
    host_.handleHttp([this](const Sent& sent) { return route(sent); });
  }

  // Queues an answer for the next request whose address, or X-Amz-Target, holds `part`.
  void on(const std::string& part, uint32_t status, std::string body,
          std::vector<sdk::Header> headers = {}) {
    Answer answer;
    answer.status = status;
    answer.headers = std::move(headers);
    answer.pieces = {std::move(body)};
    script_[part].push_back(std::move(answer));
  }
  void onBroken(const std::string& part, uint32_t kind) {
    Answer answer;
    answer.no_response = true;
    answer.break_with = kind;
    script_[part].push_back(std::move(answer));
  }
  // The caller leaves while the answer's body is on its way.
  void onLeaving(const std::string& part, std::string body) {
    Answer answer;
    answer.pieces = {std::move(body)};
    answer.before_piece = [this](size_t) { call_->cancel(); };
    script_[part].push_back(std::move(answer));
  }
  // The requests whose address or target holds `part`.
  std::vector<Sent> sentTo(std::string_view part) {
    std::vector<Sent> out;
    for (auto& sent : host_.requests())
      if (matches(sent, part)) out.push_back(sent);
    return out;
  }

  omni_status_t control(std::string_view method, std::string_view input = "{}") {
    output_.clear();
    call_.emplace(host_);
    return plugin_.control(*call_, method, input, &output_);
  }
  testing_json::object output() {
    boost::system::error_code code;
    auto value = testing_json::parse(output_, code);
    EXPECT_FALSE(code) << output_;
    return value.is_object() ? value.get_object() : testing_json::object();
  }
  std::string said(std::string_view name) {
    const auto object = output();
    const auto* value = object.if_contains(name);
    return value && value->is_string() ? std::string(value->get_string()) : "";
  }
  int64_t numberOf(std::string_view name) {
    const auto object = output();
    const auto* value = object.if_contains(name);
    return value && value->is_number() ? value->to_number<int64_t>() : -1;
  }
  sdk::testing::CapturedError error() {
    return call_->error().value_or(sdk::testing::CapturedError{});
  }

  std::string plain(std::string_view key) {
    const auto stored = host_.value(key);
    EXPECT_FALSE(stored && stored->secret) << key << " must not be secret";
    return stored && !stored->secret ? stored->text : "";
  }
  std::string secret(std::string_view key) {
    const auto stored = host_.value(key);
    EXPECT_FALSE(stored && !stored->secret) << key << " must be secret";
    return stored && stored->secret ? stored->text : "";
  }
  bool has(std::string_view key) { return host_.value(key).has_value(); }

  void signedIn(int64_t left_ms, const std::string& route = "social") {
    host_.setValue("authMethod", route == "social" ? "social" : "idc");
    host_.setValue("refreshToken", kToken, true);
    host_.setValue("accessToken", "aoaOLD", true);
    host_.setValue("expiresAt", std::to_string(host_.nowMs() + left_ms));
    host_.setValue("refreshRoute", route);
    host_.setValue("region", "us-east-1");
    host_.setValue("profileArn", kArn);
    if (route == "oidc") {
      host_.setValue("clientId", "given");
      host_.setValue("clientSecret", "hush", true);
    }
  }

  static std::string tokens(const std::string& access, const std::string& refresh,
                            const std::string& more = "") {
    std::string body = R"({"accessToken":")" + access + R"(","expiresIn":3600)";
    if (!refresh.empty()) body += R"(,"refreshToken":")" + refresh + '"';
    return body + more + "}";
  }
  static constexpr const char* kRegistered =
      R"({"clientId":"own","clientSecret":"hush","clientSecretExpiresAt":1900000000})";
  static constexpr const char* kInvalidGrant =
      R"({"error":"invalid_grant","error_description":"Invalid refresh token provided"})";
  inline static const std::string kToken = "aorAAAAAG" + std::string(200, 'r');
  inline static const std::string kNewToken = "aorAAAAAG" + std::string(200, 'n');
  inline static const std::string kArn =
      "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK";
  inline static const std::string kEuArn =
      "arn:aws:codewhisperer:eu-central-1:123456789012:profile/EUROPE";

  sdk::testing::FakeHost host_;
  sdk::testing::PluginUnderTest plugin_{omni_plugin_entry_kiro, host_};
  std::optional<sdk::testing::FakeCall> call_;
  std::string output_;

 private:
  static bool matches(const Sent& sent, std::string_view part) {
    return sent.url.find(part) != std::string::npos ||
           sent.header("x-amz-target").find(part) != std::string::npos;
  }
  // The longest matching part wins; what nothing was written for cannot be reached.
  Answer route(const Sent& sent) {
    std::deque<Answer>* best = nullptr;
    size_t length = 0;
    for (auto& [part, queue] : script_)
      if (!queue.empty() && part.size() >= length && matches(sent, part)) {
        best = &queue;
        length = part.size();
      }
    if (best) {
      Answer answer = best->front();
      best->pop_front();
      return answer;
    }
    Answer none;
    none.no_response = true;
    none.break_with = OMNI_FAILURE_NETWORK;
    return none;
  }
  std::map<std::string, std::deque<Answer>> script_;
};

}  // namespace omni::kiro
