#pragma once
// Rows for people. In a terminal that is too narrow even for clipped columns, each row becomes a
// few lines. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace omni::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}
  // Cells are made safe here. Missing ones are empty.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  size_t size() const { return rows_.size(); }
  // `width` 0: as wide as it is (output that goes to a file or a program). `style` is put around
  // the header line.
  std::string render(size_t width, std::string_view header_on = {},
                     std::string_view header_off = {}) const;

 private:
  std::string cards(size_t width) const;

  std::vector<std::string> headers_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace omni::cli
