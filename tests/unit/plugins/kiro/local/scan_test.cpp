#include "plugins/kiro/local/scan.hpp"

#include <gmock/gmock.h>
#include <omniroute/local_scan.h>

#include <boost/json/parse.hpp>
#include <functional>

#include "plugins/kiro/local/extension.hpp"
#include "tests/unit/plugins/kiro/local/fixture.hpp"

namespace omni::kiro::local {
namespace {

using testing::HasSubstr;

class Scan : public Folder {
 protected:
  Roots roots() {
    Roots roots;
    roots.home = path.string();
    return roots;
  }
  static std::string call(const std::function<omni_status_t(const omni_writer_t*)>& function,
                          omni_status_t& status) {
    std::string out;
    const omni_writer_t writer{&out, [](void* context, omni_str_t bytes) {
                                 static_cast<std::string*>(context)->append(bytes.data, bytes.size);
                               }};
    status = function(&writer);
    return out;
  }
};

TEST_F(Scan, FindsEverythingAndGoesOnOverWhatIsBroken) {
  {
    Owner owner(path / ".local/share/kiro-cli/data.sqlite3", true);
    owner.schema();
    owner.social("one");
  }
  write(".local/share/amazon-q/data.sqlite3", "not a database at all");
  write(".aws/sso/cache/kiro-auth-token.json",
        R"({"accessToken":"a","refreshToken":"two","authMethod":"social","provider":"Github"})");
  write(".aws/sso/cache/broken.json", "{");
  write(".aws/sso/cache/huge.json", std::string((1 << 20) + 1, ' '));
  write(".config/Kiro/User/globalStorage/kiro.kiroagent/profile.json",
        R"({"arn":"arn:ide","name":"n"})");
  const Listing listing = scan(roots());
  ASSERT_EQ(listing.found.size(), 2u);
  EXPECT_EQ(listing.found[0].kind, "kiro-cli");
  EXPECT_EQ(listing.found[1].kind, "kiro-ide");
  EXPECT_EQ(listing.found[1].profile_arn, "arn:ide");
  ASSERT_EQ(listing.problems.size(), 3u);
  EXPECT_THAT(listing.problems[0].file, HasSubstr("amazon-q"));
  EXPECT_THAT(listing.problems[2].message + listing.problems[1].message, HasSubstr("KiB"));
  EXPECT_GE(listing.searched.size(), 4u);
}

TEST_F(Scan, EveryWindowsUserSeenFromWsl) {
  write("mnt/Users/ada/.aws/sso/cache/kiro-auth-token.json",
        R"({"accessToken":"a","refreshToken":"x","authMethod":"social"})");
  write("mnt/Users/bob/.aws/sso/cache/kiro-auth-token.json",
        R"({"accessToken":"a","refreshToken":"y","authMethod":"social"})");
  Roots wsl;
  wsl.platform = Platform::Wsl;
  wsl.home = (path / "home").string();
  wsl.windows_users = (path / "mnt/Users").string();
  EXPECT_EQ(scan(wsl).found.size(), 2u);
}

TEST_F(Scan, TheExtensionListsAndReads) {
  write(".aws/sso/cache/kiro-auth-token.json",
        R"({"accessToken":"ACC","refreshToken":"REF","authMethod":"social"})");
  const omni_local_scan_t* ability = extension();
  ASSERT_EQ(ability->struct_size, sizeof(omni_local_scan_t));
  const std::string text = R"({"platform":"linux","env":{},"home":")" + path.string() + "\"}";
  const omni_str_t where{text.data(), text.size()};
  omni_status_t status;
  const std::string list =
      call([&](auto* out) { return ability->scan(nullptr, where, out); }, status);
  ASSERT_EQ(status, OMNI_OK);
  EXPECT_THAT(list, testing::Not(HasSubstr("REF")));
  const auto parsed = boost::json::parse(list);
  const std::string id(parsed.at("found").at(0).at("id").as_string());
  const std::string account =
      call([&](auto* out) { return ability->read(nullptr, where, {id.data(), id.size()}, out); },
           status);
  ASSERT_EQ(status, OMNI_OK);
  EXPECT_EQ(boost::json::parse(account).at("refreshToken"), "REF");
  const std::string missing =
      call([&](auto* out) { return ability->read(nullptr, where, {"0", 1}, out); }, status);
  EXPECT_EQ(status, OMNI_FAILED);
  EXPECT_THAT(missing, HasSubstr("list again"));
  call([&](auto* out) { return ability->scan(nullptr, {"[]", 2}, out); }, status);
  EXPECT_EQ(status, OMNI_INVALID);
}

}  // namespace
}  // namespace omni::kiro::local
