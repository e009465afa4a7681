#include "service/storage/sign_in_store.hpp"

#include "store_fixture.hpp"

namespace omni::storage {
namespace {

using SignInStoreTest = StoreTest;

TEST_F(SignInStoreTest, KeepsSealedAndForgets) {
  openStore();
  {
    SqliteSignInStore kept(store_->sessions(), sealer_, clock_);
    ASSERT_TRUE(kept.put("one", R"({"secret":"hush-hush"})"));
    ASSERT_TRUE(kept.put("one", R"({"secret":"hush-hush-2"})"));
    ASSERT_TRUE(kept.put("two", "{}"));
    ASSERT_TRUE(kept.remove("two"));
    ASSERT_TRUE(kept.remove("two"));
  }
  openStore();
  SqliteSignInStore kept(store_->sessions(), sealer_, clock_);
  const auto all = kept.all();
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, (std::map<std::string, std::string>{{"one", R"({"secret":"hush-hush-2"})"}}));
  std::string raw;
  ASSERT_TRUE(store_->sessions()->read([&](Poco::Data::Session& session) -> Result<> {
    session << "SELECT state FROM sign_ins", Poco::Data::Keywords::into(raw),
        Poco::Data::Keywords::now;
    return {};
  }));
  EXPECT_EQ(raw.find("hush"), std::string::npos);
}

TEST_F(SignInStoreTest, WhatWasMovedToAnotherRowIsNotOpened) {
  openStore();
  SqliteSignInStore kept(store_->sessions(), sealer_, clock_);
  ASSERT_TRUE(kept.put("one", "{}"));
  ASSERT_TRUE(store_->sessions()->write([&](Poco::Data::Session& session) -> Result<> {
    session << "UPDATE sign_ins SET id='two'", Poco::Data::Keywords::now;
    return {};
  }));
  EXPECT_EQ(kept.all()->at("two"), "");
}

}  // namespace
}  // namespace omni::storage
