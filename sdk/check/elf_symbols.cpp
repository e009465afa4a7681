#include "sdk/check/elf_symbols.hpp"

#include <cstdint>
#include <cstring>

namespace omni::check {
namespace {

constexpr size_t kHeaderSize = 64;
constexpr size_t kSectionSize = 64;
constexpr size_t kSymbolSize = 24;
constexpr uint32_t kTypeDynsym = 11;  // SHT_DYNSYM
constexpr unsigned kBindLocal = 0;
constexpr unsigned kVisibilityInternal = 1;
constexpr unsigned kVisibilityHidden = 2;

class Bytes {
 public:
  explicit Bytes(std::string_view file) : file_(file) {}
  bool has(uint64_t at, uint64_t size) const {
    return at <= file_.size() && size <= file_.size() - at;
  }
  // The caller has checked the range with has().
  uint64_t number(uint64_t at, int size) const {
    uint64_t value = 0;
    for (int i = size - 1; i >= 0; --i)
      value = value << 8 | static_cast<unsigned char>(file_[at + static_cast<uint64_t>(i)]);
    return value;
  }
  std::string_view text(uint64_t at) const {
    if (at >= file_.size()) return {};
    const std::string_view rest = file_.substr(at);
    return rest.substr(0, rest.find('\0'));
  }

 private:
  std::string_view file_;
};

struct Section {
  uint32_t type;
  uint64_t offset;
  uint64_t size;
  uint32_t link;
};

}  // namespace

std::optional<std::vector<std::string>> exportedSymbols(std::string_view file) {
  const Bytes bytes(file);
  if (!bytes.has(0, kHeaderSize) || file.substr(0, 4) != std::string_view("\x7f"
                                                                          "ELF",
                                                                          4))
    return std::nullopt;
  if (file[4] != 2 || file[5] != 1) return std::nullopt;  // 64-bit, little-endian
  const uint64_t table = bytes.number(40, 8);
  const uint64_t entry_size = bytes.number(58, 2);
  const uint64_t count = bytes.number(60, 2);
  if (table == 0 || entry_size != kSectionSize || !bytes.has(table, count * kSectionSize))
    return std::nullopt;
  auto section = [&](uint64_t index) -> Section {
    const uint64_t at = table + index * kSectionSize;
    return {static_cast<uint32_t>(bytes.number(at + 4, 4)), bytes.number(at + 24, 8),
            bytes.number(at + 32, 8), static_cast<uint32_t>(bytes.number(at + 40, 4))};
  };
  for (uint64_t i = 0; i < count; ++i) {
    const Section symbols = section(i);
    if (symbols.type != kTypeDynsym) continue;
    if (symbols.link >= count || !bytes.has(symbols.offset, symbols.size)) return std::nullopt;
    const Section names = section(symbols.link);
    if (!bytes.has(names.offset, names.size)) return std::nullopt;
    std::vector<std::string> exported;
    for (uint64_t at = 0; at + kSymbolSize <= symbols.size; at += kSymbolSize) {
      const uint64_t symbol = symbols.offset + at;
      const auto name = bytes.number(symbol, 4);
      const auto bind = static_cast<unsigned>(bytes.number(symbol + 4, 1)) >> 4;
      const auto visibility = static_cast<unsigned>(bytes.number(symbol + 5, 1)) & 3;
      const bool defined = bytes.number(symbol + 6, 2) != 0;
      if (!defined || bind == kBindLocal || visibility == kVisibilityInternal ||
          visibility == kVisibilityHidden)
        continue;
      if (name < names.size) exported.emplace_back(bytes.text(names.offset + name));
    }
    return exported;
  }
  return std::nullopt;
}

}  // namespace omni::check
