// The parts of omniroute-plugin-check that read untrusted files.

#include <gtest/gtest.h>

#include <string>

#include "sdk/check/elf_symbols.hpp"
#include "sdk/check/json.hpp"

namespace omni::check {
namespace {

void put(std::string& file, size_t at, uint64_t value, int size) {
  for (int i = 0; i < size; ++i)
    file[at + static_cast<size_t>(i)] = static_cast<char>(value >> (8 * i));
}

// The smallest ELF file with a .dynsym: header, two section headers, names, four symbols.
std::string makeElf() {
  constexpr size_t kSections = 64, kNames = 192, kSymbols = 256;
  std::string file(kSymbols + 4 * 24, '\0');
  file.replace(0, 6,
               std::string("\x7f"
                           "ELF\x02\x01",
                           6));
  put(file, 40, kSections, 8);
  put(file, 58, 64, 2);
  put(file, 60, 2, 2);
  put(file, kSections + 4, 11, 4);  // .dynsym
  put(file, kSections + 24, kSymbols, 8);
  put(file, kSections + 32, 4 * 24, 8);
  put(file, kSections + 40, 1, 4);
  put(file, kSections + 64 + 4, 3, 4);  // its names
  put(file, kSections + 64 + 24, kNames, 8);
  put(file, kSections + 64 + 32, 32, 8);
  file.replace(kNames + 1, 5, "entry");
  file.replace(kNames + 8, 6, "import");
  file.replace(kNames + 16, 6, "hidden");
  auto symbol = [&](size_t index, uint64_t name, uint64_t info, uint64_t other, uint64_t section) {
    const size_t at = kSymbols + index * 24;
    put(file, at, name, 4);
    put(file, at + 4, info, 1);
    put(file, at + 5, other, 1);
    put(file, at + 6, section, 2);
  };
  symbol(1, 1, 0x11, 0, 5);   // global, defined
  symbol(2, 8, 0x12, 0, 0);   // global, undefined
  symbol(3, 16, 0x12, 2, 5);  // global, hidden
  return file;
}

TEST(ElfSymbols, ListsDefinedVisibleGlobals) {
  const auto symbols = exportedSymbols(makeElf());
  ASSERT_TRUE(symbols);
  EXPECT_EQ(*symbols, std::vector<std::string>{"entry"});
}

TEST(ElfSymbols, DamagedFilesAreRefusedNotRead) {
  EXPECT_FALSE(exportedSymbols(""));
  EXPECT_FALSE(exportedSymbols("MZ"));
  const std::string good = makeElf();
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(exportedSymbols(good.substr(0, size))) << size;
  for (const auto& [at, width] :
       {std::pair<size_t, int>{40, 8}, {64 + 24, 8}, {64 + 32, 8}, {64 + 40, 4}, {128 + 24, 8}}) {
    std::string bad = good;
    put(bad, at, ~uint64_t{0}, width);
    EXPECT_FALSE(exportedSymbols(bad)) << at;
  }
}

TEST(CheckJson, ReadsValues) {
  const auto json = parseJson(R"({"a":[1,-2.5e1,true,null],"b":{"c":"\u00e9\ud83d\ude00"}})");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->member("a")->array[0].asUint(), 1u);
  EXPECT_EQ(json->member("a")->array[1].number, -25);
  EXPECT_EQ(json->member("a")->array[1].asUint(), std::nullopt);
  EXPECT_EQ(json->member("b")->member("c")->string, "\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(json->member("z"), nullptr);
}

TEST(CheckJson, RefusesBrokenText) {
  for (const char* text : {"", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "1 2", "\"\\x\"",
                           "\"\n\"", "+1", "tru", "\"\\ud83d\"", "nan", "1e999"})
    EXPECT_FALSE(parseJson(text)) << text;
  EXPECT_FALSE(parseJson(std::string(100000, '[')));
}

}  // namespace
}  // namespace omni::check
