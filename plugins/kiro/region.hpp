#pragma once
// Regions and profile ARNs. Every region passes isRegion() before it becomes part of a host name:
// anything else could send a token to a foreign host.

#include <string>
#include <string_view>

namespace omni::kiro {

constexpr std::string_view kDefaultRegion = "us-east-1";

// ^[a-z]{2}-[a-z]+-\d{1,2}$, the whole string.
bool isRegion(std::string_view text);
// arn:aws:codewhisperer:<region>:<12 digits>:profile/<id>
bool isProfileArn(std::string_view text);
// The region that the ARN names; empty when it names none.
std::string_view arnRegion(std::string_view arn);
// The region inside the ARN when the runtime is served there, else us-east-1. Runtime and
// management exist in us-east-1 and eu-central-1 (kiro-protocol section I).
std::string serviceRegion(std::string_view profile_arn);

}  // namespace omni::kiro
