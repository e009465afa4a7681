// omniroute-plugin-check <name.plugin.json | library> [options]: see usage below. Exit code 0: all
// checks passed or were skipped, 1: at least one failed, 2: wrong usage or nothing to check.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>

#include "sdk/check/behaviour_checks.hpp"
#include "sdk/check/file_checks.hpp"
#include "sdk/check/report.hpp"

namespace {

constexpr const char* kUsage =
    "usage: omniroute-plugin-check <name.plugin.json | library> [options]\n"
    "  --json               the report as JSON\n"
    "  --value KEY=TEXT     a plain value of the account's record (may be repeated)\n"
    "  --secret KEY=TEXT    a secret value of the account's record (may be repeated)\n"
    "  --setting KEY=TEXT   a setting of the plugin (may be repeated)\n"
    "  --answer FILE        body of every HTTP answer; without it the network is down\n"
    "  --timeout MS         longest time of one check (default 20000)\n"
    "The plugin's code is run: check only what you trust.\n";

struct Arguments {
  std::string subject;
  bool json = false;
  omni::check::Options options;
};

std::optional<omni::check::KeyValue> keyValue(const std::string& text, bool secret) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return std::nullopt;
  return omni::check::KeyValue{text.substr(0, equals), text.substr(equals + 1), secret};
}

bool takeOption(const std::string& name, const std::string& value, omni::check::Options& options) {
  if (name == "--value" || name == "--secret" || name == "--setting") {
    const auto pair = keyValue(value, name == "--secret");
    if (!pair) return false;
    (name == "--setting" ? options.settings : options.values).push_back(*pair);
    return true;
  }
  if (name == "--answer") {
    std::ifstream in(value, std::ios::binary);
    options.answer.assign(std::istreambuf_iterator<char>(in), {});
    return in.good() || !options.answer.empty();
  }
  if (name == "--timeout" && !value.empty() && value.size() < 8 &&
      value.find_first_not_of("0123456789") == std::string::npos) {
    options.timeout_ms = std::stoi(value);
    return options.timeout_ms > 0;
  }
  return false;
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json") {
      out.json = true;
    } else if (word.starts_with("--")) {
      ++i;
      if (i >= argc || !takeOption(word, argv[i], out.options)) return std::nullopt;
    } else if (out.subject.empty()) {
      out.subject = word;
    } else {
      return std::nullopt;
    }
  }
  if (out.subject.empty()) return std::nullopt;
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  auto arguments = parse(argc, argv);
  if (!arguments) {
    std::cerr << kUsage;
    return 2;
  }
  std::error_code code;
  if (!std::filesystem::exists(arguments->subject, code)) {
    std::cerr << "omniroute-plugin-check: there is no file " << arguments->subject << '\n';
    return 2;
  }
  omni::check::Report report;
  omni::check::Options& options = arguments->options;
  if (arguments->subject.ends_with(".json")) {
    if (auto facts = omni::check::checkManifest(arguments->subject, report)) {
      options.library = facts->library;
      options.expected_id = facts->id;
      options.expected_version = facts->version;
    }
  } else {
    report.add("manifest.read", omni::check::skipped("a library was given, not its manifest"), "");
    options.library = std::filesystem::absolute(arguments->subject).string();
  }
  if (!options.library.empty()) {
    omni::check::checkExports(options.library, report);
    omni::check::checkBehaviour(options, report);
  }
  if (arguments->json) {
    report.writeJson(std::cout, arguments->subject);
  } else {
    report.writeText(std::cout);
  }
  return report.passed() ? 0 : 1;
}
