#include "service/plugins/entry_check.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace omni::plugins {
namespace {

omni_plugin_entry_t sound() {
  omni_plugin_entry_t entry{};
  entry.struct_size = sizeof(entry);
  entry.abi_major = OMNI_ABI_MAJOR;
  entry.abi_minor = OMNI_ABI_MINOR;
  entry.id = "sample";
  entry.version = "1.2.3";
  entry.init = [](const omni_host_t*, omni_plugin_t**) { return OMNI_OK; };
  entry.deinit = [](omni_plugin_t*) {};
  entry.complete = [](omni_plugin_t*, omni_call_t*, const omni_request_t*, const omni_sink_t*) {
    return OMNI_OK;
  };
  entry.control = [](omni_plugin_t*, omni_call_t*, omni_str_t, omni_str_t, const omni_writer_t*) {
    return OMNI_OK;
  };
  entry.get_extension = [](omni_plugin_t*, omni_str_t) -> const void* { return nullptr; };
  return entry;
}

TEST(EntryCheck, TakesASoundEntryAndALongerOne) {
  omni_plugin_entry_t entry = sound();
  EXPECT_TRUE(checkEntry(entry, nullptr));
  entry.struct_size += 8;
  EXPECT_TRUE(checkEntry(entry, nullptr));
}

TEST(EntryCheck, RefusesEveryFault) {
  const std::function<void(omni_plugin_entry_t&)> faults[] = {
      [](auto& e) { e.struct_size -= 8; },  [](auto& e) { ++e.abi_major; },
      [](auto& e) { ++e.abi_minor; },       [](auto& e) { e.init = nullptr; },
      [](auto& e) { e.deinit = nullptr; },  [](auto& e) { e.complete = nullptr; },
      [](auto& e) { e.control = nullptr; }, [](auto& e) { e.id = nullptr; },
      [](auto& e) { e.version = nullptr; }, [](auto& e) { e.get_extension = nullptr; },
      [](auto& e) { e.id = "Sample"; }};
  for (size_t i = 0; i < std::size(faults); ++i) {
    omni_plugin_entry_t entry = sound();
    faults[i](entry);
    EXPECT_FALSE(checkEntry(entry, nullptr)) << i;
  }
}

TEST(EntryCheck, TheManifestHasToSayTheSame) {
  const omni_plugin_entry_t entry = sound();
  Manifest manifest;
  manifest.id = "sample";
  manifest.version = "1.2.3";
  EXPECT_TRUE(checkEntry(entry, &manifest));
  manifest.version = "1.2.4";
  EXPECT_FALSE(checkEntry(entry, &manifest));
  manifest.version = "1.2.3";
  manifest.id = "other";
  EXPECT_FALSE(checkEntry(entry, &manifest));
}

}  // namespace
}  // namespace omni::plugins
