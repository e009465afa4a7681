#include "plugins/kiro/form.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "plugins/kiro/region.hpp"

namespace omni::kiro {

std::unexpected<sdk::Failure> badField(std::string field, std::string message) {
  sdk::Failure failure;
  failure.kind = OMNI_FAILURE_BAD_REQUEST;
  failure.field = std::move(field);
  failure.message = std::move(message);
  return std::unexpected(std::move(failure));
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos
             ? std::string()
             : std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

sdk::Result<Form> Form::read(std::string_view input, std::span<const std::string_view> texts,
                             std::span<const std::string_view> flags) {
  auto object = parseObject(input.empty() ? "{}" : input);
  if (!object) return badField("body", "the body must be a JSON object");
  for (const auto& [name, value] : *object) {
    const std::string_view key(name.data(), name.size());
    const bool is_text = std::ranges::find(texts, key) != texts.end();
    const bool is_flag = std::ranges::find(flags, key) != flags.end();
    if (!is_text && !is_flag) {
      std::vector<std::string_view> known(texts.begin(), texts.end());
      known.insert(known.end(), flags.begin(), flags.end());
      return badField(std::string(key), fmt::format("unknown member \"{}\"; known are {}",
                                                    key.substr(0, 60), fmt::join(known, ", ")));
    }
    if (is_flag ? !value.is_bool() : !value.is_string())
      return badField(std::string(key),
                      fmt::format("{} must be {}", key, is_flag ? "true or false" : "a string"));
  }
  Form form;
  form.members_ = std::move(*object);
  return form;
}

std::string Form::text(std::string_view name) const {
  return trimmed(kiro::text(members_, name));
}

bool Form::flag(std::string_view name) const {
  const auto* found = members_.if_contains(name);
  return found && found->is_bool() && found->get_bool();
}

sdk::Result<std::string> regionOf(std::string text, std::string_view fallback) {
  if (text.empty()) text = fallback;
  if (!isRegion(text))
    return badField(
        "region",
        "region must look like us-east-1 or eu-west-1 (lower case); leave it out for us-east-1");
  return text;
}

sdk::Result<std::string> profileArnOf(std::string text) {
  if (!text.empty() && !isProfileArn(text))
    return badField(
        "profileArn",
        "profileArn must look like arn:aws:codewhisperer:us-east-1:123456789012:profile/ABCDEF");
  return text;
}

}  // namespace omni::kiro
