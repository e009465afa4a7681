#include "plugins/kiro/region.hpp"

#include <gtest/gtest.h>

#include <string>

namespace omni::kiro {
namespace {

// H.9 row 97 and section I.
TEST(Region, OnlyPlainRegionsPass) {
  for (const char* good :
       {"us-east-1", "eu-central-1", "ap-southeast-2", "eu-central-2", "me-south-1", "ap-south-12"})
    EXPECT_TRUE(isRegion(good)) << good;
  for (const std::string bad :
       {"169.254.169.254", "us-east-1.evil.com", "US-EAST-1", "", "us_east_1", "us-east-",
        "us--east-1", "us-east-1/", "us-east-1#", "us-east-1?x", "us-east-123", "usa-east-1",
        "us-gov-west-1", " us-east-1", "us-east-1 ", "us-east-1\n", "us-e4st-1", "us-east-1@evil"})
    EXPECT_FALSE(isRegion(bad)) << bad;
  EXPECT_FALSE(isRegion(std::string("us-east-1\0", 10)));
}

TEST(Region, ProfileArn) {
  EXPECT_TRUE(isProfileArn("arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK"));
  for (const char* bad : {"", "arn:aws:codewhisperer:us-east-1:69947594138:profile/EHGA",
                          "arn:aws:codewhisperer:evil.com:699475941385:profile/EHGA",
                          "arn:aws:codewhisperer:us-east-1:699475941385:profile/",
                          "arn:aws:codewhisperer:us-east-1:699475941385:profile/A/B",
                          "arn:aws:codewhisperer:us-east-1:699475941385:profile/A:profile/A",
                          "arn:aws:iam:us-east-1:699475941385:profile/EHGA",
                          "xarn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA"})
    EXPECT_FALSE(isProfileArn(bad)) << bad;
}

TEST(Region, TheServiceIsWhereTheProfileIs) {
  EXPECT_EQ(serviceRegion("arn:aws:codewhisperer:eu-central-1:699475941385:profile/A"),
            "eu-central-1");
  EXPECT_EQ(serviceRegion("arn:aws:codewhisperer:us-east-1:699475941385:profile/A"), "us-east-1");
  EXPECT_EQ(serviceRegion("arn:aws:codewhisperer:ap-south-1:699475941385:profile/A"), "us-east-1");
  EXPECT_EQ(serviceRegion(""), "us-east-1");
}

}  // namespace
}  // namespace omni::kiro
