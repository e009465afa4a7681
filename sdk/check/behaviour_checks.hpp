#pragma once
// Checks that load the library and call it. Each runs apart (child.hpp), with a fresh load and a
// fake host.

#include <string>
#include <vector>

#include "sdk/check/report.hpp"

namespace omni::check {

struct KeyValue {
  std::string key;
  std::string value;
  bool secret = false;
};

struct Options {
  std::string library;
  std::string expected_id;         // of the manifest; empty: not compared
  std::string expected_version;    // of the manifest; empty: not compared
  std::vector<KeyValue> values;    // the account's record
  std::vector<KeyValue> settings;  // the plugin's settings
  std::string
      answer;  // body of every HTTP answer (status 200); empty: no answer, the network is down
  int timeout_ms = 20'000;  // of one check
};

void checkBehaviour(const Options& options, Report& report);

}  // namespace omni::check
