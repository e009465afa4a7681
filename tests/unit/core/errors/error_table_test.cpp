#include "core/errors/error_table.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <set>

namespace omni {
namespace {

using enum FailureKind;
using Effect = AccountEffect;

struct Row {
  Effect effect;
  bool stop;  // neither a retry nor another target
  int status;
};

const std::map<FailureKind, Row> kExpected{
    {Internal, {Effect::None, false, 500}},
    {Network, {Effect::None, false, 502}},
    {Timeout, {Effect::None, false, 504}},
    {Upstream, {Effect::None, false, 502}},
    {AuthInvalid, {Effect::Cool, false, 401}},
    {ReauthRequired, {Effect::ReauthRequired, false, 401}},
    {Suspended, {Effect::Suspend, false, 403}},
    {NotAuthorized, {Effect::None, false, 403}},
    {Quota, {Effect::Exhaust, false, 402}},
    {RateLimited, {Effect::Cool, false, 429}},
    {Capacity, {Effect::None, false, 503}},
    {ContextLength, {Effect::None, true, 400}},
    {ModelUnavailable, {Effect::None, false, 404}},
    {BadRequest, {Effect::None, true, 400}},
    {EmptyResponse, {Effect::None, false, 502}},
    {Protocol, {Effect::None, false, 502}},
    {Conflict, {Effect::None, true, 409}},
    {NotFound, {Effect::None, true, 404}},
    {Cancelled, {Effect::None, true, 499}},
    {Unsupported, {Effect::None, true, 501}},
    {PayloadTooLarge, {Effect::None, true, 413}},
    {UnsupportedMediaType, {Effect::None, true, 415}},
    {Unauthorized, {Effect::None, true, 401}},
    {Forbidden, {Effect::None, true, 403}},
    {Unavailable, {Effect::None, true, 503}},
};

TEST(ErrorTable, EveryKindHasItsRow) {
  EXPECT_EQ(errorTable().size(), kExpected.size());
  std::set<FailureKind> seen;
  for (const ErrorRule& rule : errorTable()) {
    SCOPED_TRACE(rule.code);
    EXPECT_TRUE(seen.insert(rule.kind).second) << "twice";
    const Row& row = kExpected.at(rule.kind);
    EXPECT_EQ(rule.effect, row.effect);
    EXPECT_EQ(!rule.try_other && rule.retries == 0, row.stop);
    EXPECT_EQ(rule.http_status, row.status);
    EXPECT_FALSE(rule.openai_type.empty() || rule.code.empty() || rule.anthropic_type.empty());
    if (rule.retries > 0) {
      EXPECT_EQ(rule.effect, Effect::None)
          << "an account that was just set aside must not be tried again at once";
    }
    EXPECT_EQ(&errorRule(rule.kind), &rule);
  }
}

TEST(ErrorTable, OnlyTheExpectedKindsAreRetriedInPlace) {
  std::set<FailureKind> retried;
  for (const ErrorRule& rule : errorTable())
    if (rule.retries > 0) retried.insert(rule.kind);
  EXPECT_EQ(retried, (std::set<FailureKind>{Network, Upstream, Capacity, EmptyResponse}));
}

TEST(ErrorTable, WordsThatClientsLookFor) {
  EXPECT_EQ(errorRule(ContextLength).code, "context_length_exceeded");
  EXPECT_EQ(errorRule(Quota).openai_type, "insufficient_quota");
  EXPECT_EQ(errorRule(Quota).anthropic_type, "billing_error");
  EXPECT_EQ(errorRule(ModelUnavailable).code, "model_not_found");
  EXPECT_EQ(errorRule(RateLimited).anthropic_type, "rate_limit_error");
}

TEST(ErrorTable, UnknownKindIsInternal) {
  EXPECT_EQ(errorRule(static_cast<FailureKind>(9999)).kind, Internal);
}

TEST(ErrorBodies, AreJsonWhateverTheTextHolds) {
  Error error = makeError(Conflict, "say \"no\"\n\x01\\", "a.b").error();
  error.conflict_id = "c-1";
  error.detail = "for the log only";
  const auto open = boost::json::parse(openaiErrorBody(error)).at("error").as_object();
  EXPECT_EQ(open.at("message").as_string(), error.message);
  EXPECT_EQ(open.at("param").as_string(), "a.b");
  EXPECT_EQ(open.at("code").as_string(), "conflict");
  const auto admin = boost::json::parse(adminErrorBody(error)).at("error").as_object();
  EXPECT_EQ(admin.at("field").as_string(), "a.b");
  EXPECT_EQ(admin.at("connectionId").as_string(), "c-1");
  EXPECT_EQ(adminErrorBody(error).find("for the log only"), std::string::npos);
  error.field.clear();
  EXPECT_TRUE(boost::json::parse(openaiErrorBody(error)).at("error").at("param").is_null());
}

}  // namespace
}  // namespace omni
