#include "core/routing/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/edit_distance.hpp"

namespace omni::routing {
namespace {

constexpr size_t kLongestName = 100;
constexpr size_t kMostTargets = 64;

std::string list(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::string nearestNames(std::string_view text, const std::vector<std::string>& names) {
  const auto shortened = text.substr(0, kLongestName);
  std::vector<std::pair<size_t, std::string_view>> scored;
  for (const auto& name : names)
    if (const size_t d = editDistance(shortened, name);
        d <= std::max<size_t>(2, shortened.size() / 3))
      scored.emplace_back(d, name);
  std::ranges::sort(scored);
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(scored.size(), 3); ++i)
    out += fmt::format("{}\"{}\"", i ? ", " : "", scored[i].second);
  return out;
}

Result<std::vector<Candidate>> resolveTarget(std::string_view text,
                                             const std::vector<Connection>& connections,
                                             const std::vector<std::string>& providers) {
  const auto slash = text.find('/');
  const auto provider = text.substr(0, slash);
  std::vector<std::string> known;
  for (const Connection& c : connections) known.push_back(c.provider + "/" + c.name);
  // Only the account's part is compared; a model behind it would make every name look far.
  const auto second = slash == std::string_view::npos ? slash : text.find('/', slash + 1);
  const auto wanted = text.substr(0, second);
  const auto unknown = [&](std::string_view what) {
    const std::string near = nearestNames(wanted, known);
    return makeError(FailureKind::NotFound,
                     near.empty() ? fmt::format("{}; GET /v1/models lists what there is", what)
                                  : fmt::format("{}; did you mean {}?", what, near),
                     "model");
  };
  if (slash == std::string_view::npos || slash + 1 == text.size() || !contains(providers, provider))
    return unknown(fmt::format("there is no combo or account \"{}\"", text));

  const auto rest = text.substr(slash + 1);
  std::vector<Candidate> out;
  // A connection name may itself hold no slash, so the first segment decides.
  const auto segment = rest.substr(0, rest.find('/'));
  for (const Connection& c : connections)
    if (c.provider == provider && c.name == segment) {
      const auto model =
          segment.size() == rest.size() ? kDefaultModel : rest.substr(segment.size() + 1);
      out.push_back({c.provider, c.id, c.name, std::string(model.empty() ? kDefaultModel : model)});
      return out;
    }
  // With a second segment the first can only be an account, such as one deleted since.
  if (segment.size() != rest.size())
    return unknown(fmt::format("there is no account \"{}/{}\"", provider, segment));
  // A name that is nearly a connection's is a typing mistake rather than a model.
  for (const Connection& c : connections)
    if (c.provider == provider && rest.size() > 3 && segment.size() <= kLongestName &&
        editDistance(segment, c.name) <= 2)
      return unknown(fmt::format("there is no account \"{}\"", text));
  for (const Connection& c : connections)
    if (c.provider == provider) out.push_back({c.provider, c.id, c.name, std::string(rest)});
  if (out.empty())
    return unknown(fmt::format("provider \"{}\" has no account yet; import one first", provider));
  return out;
}

Result<> validateCombo(const Combo& combo, const std::vector<std::string>& providers) {
  const auto bad = [](std::string field, std::string message) {
    return makeError(FailureKind::BadRequest, std::move(message), std::move(field));
  };
  if (combo.name.empty() || combo.name.size() > kLongestName)
    return bad("name", "a combo's name has 1 to 100 characters");
  if (combo.name.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-[] ") !=
      std::string::npos)
    return bad("name",
               "a combo's name may hold letters, digits, spaces and _ . - [ ]; a slash would look "
               "like provider/account");
  if (combo.targets.empty())
    return bad("targets", "a combo needs at least one target, such as \"kiro/kiro-dev\"");
  if (combo.targets.size() > kMostTargets)
    return bad("targets", fmt::format("a combo has at most {} targets", kMostTargets));
  for (size_t i = 0; i < combo.targets.size(); ++i) {
    const std::string& text = combo.targets[i].text;
    const auto slash = text.find('/');
    const std::string field = fmt::format("targets[{}]", i);
    if (slash == std::string::npos || slash + 1 == text.size())
      return bad(
          field,
          fmt::format("\"{}\" must be provider/account, provider/account/model or provider/model",
                      text));
    if (!contains(providers, std::string_view(text).substr(0, slash)))
      return bad(field, fmt::format("\"{}\" names no provider of this service; there are: {}", text,
                                    list(providers)));
  }
  return {};
}

}  // namespace omni::routing
