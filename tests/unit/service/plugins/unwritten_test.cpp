#include "service/plugins/unwritten.hpp"

#include <gtest/gtest.h>

#include "service/plugins/account_record.hpp"
#include "sign_in_world.hpp"

namespace omni::plugins {
namespace {

class UnwrittenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Connection connection;
    connection.id = "a";
    ASSERT_TRUE(store.create(connection, {{"refreshToken", "old", true}}));
  }
  StoredRecord call() { return {store, generations, unwritten, "a"}; }
  static std::vector<ValueChange> tokens(const std::string& refresh) {
    return {{"refreshToken", refresh, true}, {"expiresAt", "1", false}};
  }

  testing::DurableStore store;
  Generations generations;
  Unwritten unwritten;
};

TEST_F(UnwrittenTest, ARotatedTokenOutlivesAFullDisk) {
  store.broken = true;
  auto first = call();
  EXPECT_FALSE(first.commit(tokens("new")));
  EXPECT_EQ(store.secret("a", "refreshToken"), "old");
  // Whoever asks meanwhile gets the token that the issuer still takes.
  EXPECT_EQ(**call().value("refreshToken"), "new");
  const auto still = unwritten.flush(store, generations, "a");
  ASSERT_FALSE(still);
  EXPECT_NE(still.error().message.find("could not be written"), std::string::npos);
  store.broken = false;
  EXPECT_TRUE(unwritten.flush(store, generations, "a"));
  EXPECT_EQ(store.secret("a", "refreshToken"), "new");
  EXPECT_TRUE(unwritten.flush(store, generations, "a"));
}

TEST_F(UnwrittenTest, TheNextCommitTakesItAlong) {
  store.broken = true;
  auto record = call();
  EXPECT_FALSE(record.commit(tokens("new")));
  EXPECT_FALSE(record.commit({{"profileArn", "arn", false}}));
  store.broken = false;
  EXPECT_TRUE(record.commit({{"expiresAt", "2", false}}));
  EXPECT_EQ(store.secret("a", "refreshToken"), "new");
  EXPECT_EQ(**store.value("a", "expiresAt"), "2");
  EXPECT_EQ(**store.value("a", "profileArn"), "arn");
}

TEST_F(UnwrittenTest, ANewSignInMakesItWorthless) {
  store.broken = true;
  auto record = call();
  EXPECT_FALSE(record.commit(tokens("of the old session")));
  store.broken = false;
  ASSERT_TRUE(
      generations.replace("a", [&] { return store.commit("a", tokens("signed in anew")); }));
  EXPECT_EQ(**call().value("refreshToken"), "signed in anew");
  EXPECT_TRUE(unwritten.flush(store, generations, "a"));
  EXPECT_FALSE(record.commit(tokens("late")));
  EXPECT_EQ(store.secret("a", "refreshToken"), "signed in anew");
}

TEST_F(UnwrittenTest, WhatHoldsNoSecretIsNotKeptAndARemovedAccountIsForgotten) {
  store.broken = true;
  auto record = call();
  EXPECT_FALSE(record.commit({{"expiresAt", "2", false}}));
  EXPECT_TRUE(unwritten.flush(store, generations, "a"));
  EXPECT_FALSE(record.commit(tokens("new")));
  store.broken = false;
  ASSERT_TRUE(store.remove("a"));
  EXPECT_TRUE(unwritten.flush(store, generations, "a"));
  EXPECT_TRUE(unwritten.flush(store, generations, "a"));
}

TEST_F(UnwrittenTest, TheEndOfTheProcessIsALastTry) {
  store.broken = true;
  auto record = call();
  EXPECT_FALSE(record.commit(tokens("new")));
  store.broken = false;
  unwritten.flushAll(store, generations);
  EXPECT_EQ(store.secret("a", "refreshToken"), "new");
}

}  // namespace
}  // namespace omni::plugins
