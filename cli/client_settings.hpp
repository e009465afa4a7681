#pragma once
// The settings files of clients, as text in and text out. Pure.

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace omni::cli {

struct ClientTarget {
  std::string base;        // http://127.0.0.1:20128, without /v1
  std::string model;       // or combo
  bool responses = false;  // the service answers /v1/responses
};

struct ClientFile {
  std::string_view client;
  std::string_view path;   // below the home
  std::string_view after;  // what the user has to know
};

// Clients whose file is written; "cline" has none that other programs may write.
const std::vector<ClientFile>& clientFiles();
// What cline's user has to fill in.
std::string manualSteps(std::string_view client, const ClientTarget& target);

// `before`: the file's text, empty when there is none. Everything of it that is not this program's
// stays. The text says why it cannot be changed.
std::expected<std::string, std::string> withSettings(std::string_view client,
                                                     std::string_view before,
                                                     const ClientTarget& target);

}  // namespace omni::cli
