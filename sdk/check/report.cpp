#include "sdk/check/report.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include "sdk/check/json.hpp"

namespace omni::check {

void Report::add(std::string id, Finding finding, std::string advice) {
  lines_.push_back({std::move(id), std::move(finding), std::move(advice)});
}

bool Report::passed() const {
  return std::none_of(lines_.begin(), lines_.end(),
                      [](const Line& line) { return line.finding.outcome == Outcome::Fail; });
}

void Report::writeText(std::ostream& out) const {
  size_t counts[3] = {};
  for (const Line& line : lines_) {
    constexpr const char* kWords[] = {"ok  ", "FAIL", "skip"};
    const auto index = static_cast<size_t>(line.finding.outcome);
    ++counts[index];
    out << kWords[index] << "  " << line.id;
    if (!line.finding.message.empty()) out << ": " << line.finding.message;
    out << '\n';
    if (line.finding.outcome == Outcome::Fail) out << "      -> " << line.advice << '\n';
  }
  out << counts[0] << " ok, " << counts[1] << " failed, " << counts[2] << " skipped\n";
}

void Report::writeJson(std::ostream& out, const std::string& subject) const {
  constexpr const char* kWords[] = {"ok", "fail", "skip"};
  out << "{\"subject\":" << quote(subject) << ",\"passed\":" << (passed() ? "true" : "false")
      << ",\"checks\":[";
  bool first = true;
  for (const Line& line : lines_) {
    out << (first ? "" : ",") << "\n{\"id\":" << quote(line.id) << ",\"result\":\""
        << kWords[static_cast<size_t>(line.finding.outcome)]
        << "\",\"message\":" << quote(line.finding.message);
    if (line.finding.outcome == Outcome::Fail) out << ",\"advice\":" << quote(line.advice);
    out << '}';
    first = false;
  }
  out << "\n]}\n";
}

}  // namespace omni::check
