#pragma once
// Every setting of the service: its key, kind, default and meaning. The one place that the loader,
// --help and the tests read.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace omni::config {

enum class KeyKind { Text, Integer, Choice, List };

struct KeySpec {
  std::string_view key;
  KeyKind kind;
  std::string_view default_value;
  std::string_view allowed;  // Integer: "min..max"; Choice: "a|b|c"
  std::string_view help;
};

std::span<const KeySpec> keyTable();
const KeySpec* findKey(std::string_view key);

// "server.maxStreams" -> "OMNIROUTE_SERVER_MAX_STREAMS".
std::string environmentName(std::string_view key);

}  // namespace omni::config
