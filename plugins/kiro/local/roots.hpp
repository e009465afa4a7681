#pragma once
// Where tools keep their accounts, on each system (kiro-protocol D). Pure but for Roots::own().

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace omni::kiro::local {

enum class Platform { Linux, MacOs, Windows, Wsl };

// Paths are text with the separators of `platform`: a listing must show them as their owner knows
// them, and tests look at Windows paths on Linux.
struct Roots {
  Platform platform = Platform::Linux;
  std::string home;
  std::map<std::string, std::string> env;
  std::string windows_users;  // wsl: "/mnt/c/Users"; empty: not looked at
  std::string wsl_share;      // windows: "\\wsl$"; empty: not looked at

  static Roots own();  // this process's user and environment
  // A text says what is wrong.
  static std::expected<Roots, std::string> parse(std::string_view json);
};

struct Place {
  enum Type { Database, CacheFolder, Profile };
  Type type;
  std::string kind;  // of a database: kiro-cli or amazon-q
  std::string path;  // a segment "*" stands for every folder there
};

// Databases first, then caches; without duplicates.
std::vector<Place> placesToLook(const Roots& roots);

std::string joined(Platform platform, std::string_view folder, std::string_view name);

}  // namespace omni::kiro::local
