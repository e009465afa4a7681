#pragma once
// Reading of what a person or a caller filled in. Every refusal names the member and what to do,
// and never repeats a value.

#include <array>
#include <omniroute/sdk.hpp>
#include <span>
#include <string>
#include <string_view>

#include "plugins/kiro/json.hpp"

namespace omni::kiro {

// BAD_REQUEST with a field.
std::unexpected<sdk::Failure> badField(std::string field, std::string message);

std::string trimmed(std::string_view text);

class Form {
 public:
  // Unknown members, and members that are neither text nor (in `flags`) true or false, are refused.
  static sdk::Result<Form> read(std::string_view input, std::span<const std::string_view> texts,
                                std::span<const std::string_view> flags = {});
  bool has(std::string_view name) const { return members_.contains(name); }
  std::string text(std::string_view name) const;  // trimmed; empty when absent
  bool flag(std::string_view name) const;
  const json::object& members() const { return members_; }

 private:
  json::object members_;
};

// The texts of the checks that several forms share.
sdk::Result<std::string> regionOf(std::string text, std::string_view fallback);
sdk::Result<std::string> profileArnOf(std::string text);

}  // namespace omni::kiro
