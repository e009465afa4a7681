#pragma once
// Loads a plugin library and finds its entry. The library stays mapped: unloading C++ code is not
// safe.

#include <omniroute/abi.h>

#include <string>

namespace omni::check {

struct Loaded {
  const omni_plugin_entry_t* entry = nullptr;
  std::string error;  // why entry is NULL
};

Loaded loadPlugin(const std::string& path);

}  // namespace omni::check
