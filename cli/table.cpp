#include "cli/table.hpp"

#include <algorithm>
#include <numeric>

#include "cli/text.hpp"

namespace omni::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 10;  // a name cut shorter than this says nothing

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(headers_.size());
  for (std::string& cell : cells) cell = safe(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::render(size_t width, std::string_view header_on,
                          std::string_view header_off) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < headers_.size(); ++i) {
    size_t widest = displayWidth(headers_[i]);
    for (const auto& row : rows_) widest = std::max(widest, displayWidth(row[i]));
    widths.push_back(widest);
  }
  const size_t gaps = headers_.empty() ? 0 : kGap * (headers_.size() - 1);
  const auto total = [&] { return std::accumulate(widths.begin(), widths.end(), gaps); };
  while (width > 0 && total() > width) {
    auto widest = std::ranges::max_element(widths);
    if (*widest <= kNarrowest) return cards(width);
    *widest -= std::min(total() - width, std::max<size_t>(1, *widest - kNarrowest));
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string cell = clipped(cells[i], widths[i]);
      out += i + 1 == cells.size() ? cell : padded(cell, widths[i] + kGap);
    }
    while (out.ends_with(' ')) out.pop_back();
    return out + '\n';
  };
  std::string head = line(headers_);
  head.pop_back();
  std::string out = std::string(header_on) + head + std::string(header_off) + '\n';
  for (const auto& row : rows_) out += line(row);
  return out;
}

std::string Table::cards(size_t width) const {
  size_t label = 0;
  for (const std::string& header : headers_) label = std::max(label, displayWidth(header));
  std::string out;
  for (const auto& row : rows_) {
    if (!out.empty()) out += '\n';
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i].empty()) continue;
      const size_t room = width > label + kGap + 4 ? width - label - kGap : 4;
      bool first = true;
      for (const std::string& piece : wrapped(row[i], room)) {
        out += padded(first ? headers_[i] : "", label + kGap) + clipped(piece, room) + '\n';
        first = false;
      }
    }
  }
  return out;
}

}  // namespace omni::cli
