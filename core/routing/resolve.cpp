#include "core/routing/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/ascii.hpp"
#include "core/base/edit_distance.hpp"

namespace omni::routing {
namespace {

constexpr size_t kLongestName = 100;

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string_view providerOf(const Target& target) {
  return std::string_view(target.text).substr(0, target.text.find('/'));
}

const Connection* findAccount(const AccountRef& ref, std::string_view provider,
                              const std::vector<Connection>& connections) {
  const Connection* by_name = nullptr;
  for (const Connection& c : connections) {
    if (c.provider != provider) continue;
    if (!ref.id.empty() && c.id == ref.id) return &c;
    if (c.name == ref.name) by_name = &c;
  }
  return by_name;
}

// The error names what is nearest; only made when something is wrong, for it looks at every name.
std::unexpected<Error> unknown(std::string_view text, std::string_view what,
                               const std::vector<Connection>& connections) {
  std::vector<std::string> known;
  known.reserve(connections.size());
  for (const Connection& c : connections) known.push_back(c.provider + "/" + c.name);
  // Only the account's part is compared; a model behind it would make every name look far.
  const auto slash = text.find('/');
  const auto second = slash == std::string_view::npos ? slash : text.find('/', slash + 1);
  const std::string near = nearestNames(text.substr(0, second), known);
  return makeError(FailureKind::NotFound,
                   near.empty() ? fmt::format("{}; GET /v1/models lists what there is", what)
                                : fmt::format("{}; did you mean {}?", what, near),
                   "model");
}

}  // namespace

std::string nearestNames(std::string_view text, const std::vector<std::string>& names) {
  const std::string wanted = asciiLowered(text.substr(0, kLongestName));
  // A third of it may be wrong; of a short one a letter or two.
  const size_t most = std::max<size_t>(wanted.size() / 3, wanted.size() < 4 ? 1 : 2);
  std::vector<std::pair<size_t, std::string_view>> scored;
  for (const auto& name : names) {
    const std::string known = asciiLowered(name);
    size_t distance = editDistance(wanted, known);
    // An account's name without its provider.
    if (const auto slash = known.find('/');
        slash != std::string::npos && wanted.find('/') == std::string::npos)
      distance =
          std::min(distance, editDistance(wanted, std::string_view(known).substr(slash + 1)));
    if (distance <= most && distance < wanted.size()) scored.emplace_back(distance, name);
  }
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
  const bool bare = slash == std::string_view::npos;
  if (!contains(providers, provider) || (!bare && slash + 1 == text.size()))
    return unknown(text, fmt::format("there is no combo, account or model \"{}\"", text),
                   connections);

  const auto rest = bare ? std::string_view("*") : text.substr(slash + 1);
  const auto segment = rest.substr(0, rest.find('/'));
  std::vector<Candidate> out;
  // A connection name may itself hold no slash, so the first segment decides.
  for (const Connection& c : connections) {
    if (c.provider != provider || c.name != segment) continue;
    const auto model =
        segment.size() == rest.size() ? kDefaultModel : rest.substr(segment.size() + 1);
    out.push_back({&c, std::string(model.empty() ? kDefaultModel : model)});
    return out;
  }
  const auto everyAccount = [&](std::string_view model) -> Result<std::vector<Candidate>> {
    for (const Connection& c : connections)
      if (c.provider == provider) out.push_back({&c, std::string(model)});
    if (out.empty())
      return unknown(text,
                     fmt::format("provider \"{}\" has no account yet; import one first", provider),
                     connections);
    return std::move(out);
  };
  if (segment == "*")
    return everyAccount(segment.size() == rest.size() ? kDefaultModel
                                                      : rest.substr(segment.size() + 1));
  // With a second segment the first can only be an account, such as one deleted since.
  if (segment.size() != rest.size())
    return unknown(text, fmt::format("there is no account \"{}/{}\"", provider, segment),
                   connections);
  // A name that is nearly a connection's is a typing mistake rather than a model.
  for (const Connection& c : connections)
    if (c.provider == provider && rest.size() > 3 && segment.size() <= kLongestName &&
        editDistance(segment, c.name) <= 2)
      return unknown(text, fmt::format("there is no account \"{}\"", text), connections);
  return everyAccount(rest);
}

std::vector<Candidate> resolvePinned(const Target& target,
                                     const std::vector<Connection>& connections,
                                     std::vector<std::string>& missing) {
  const auto provider = providerOf(target);
  const std::string model =
      target.model.empty() ? std::string(kDefaultModel) : std::string(target.model);
  std::vector<Candidate> out;
  const auto add = [&](const Connection* c) {
    if (std::ranges::find(out, c, &Candidate::connection) == out.end()) out.push_back({c, model});
  };
  for (const AccountRef& ref : target.accounts) {
    if (const Connection* c = findAccount(ref, provider, connections))
      add(c);
    else
      missing.push_back(fmt::format("{}/{}", provider, ref.name));
  }
  if (target.pin == Pin::Soft)
    for (const Connection& c : connections)
      if (c.provider == provider) add(&c);
  return out;
}

std::string targetText(const Target& target, const std::vector<Connection>& connections) {
  if (target.accounts.empty()) return target.text;
  const auto provider = providerOf(target);
  std::string names;
  for (const AccountRef& ref : target.accounts) {
    const Connection* c = findAccount(ref, provider, connections);
    if (!names.empty()) names += ", ";
    names += c ? c->name : ref.name;
  }
  if (target.accounts.size() > 1) names = "(" + names + ")";
  return fmt::format("{}/{}{}{}", provider, names, target.model.empty() ? "" : "/", target.model);
}

void rememberAccount(Target& target, const std::vector<Connection>& connections) {
  if (!target.accounts.empty() || !target.combo_id.empty()) return;
  const auto slash = target.text.find('/');
  if (slash == std::string::npos) return;
  const auto second = target.text.find('/', slash + 1);
  const auto name = std::string_view(target.text).substr(slash + 1, second - slash - 1);
  for (const Connection& c : connections) {
    if (c.provider != providerOf(target) || c.name != name) continue;
    target.accounts = {{c.id, c.name}};
    if (second != std::string::npos) target.model = target.text.substr(second + 1);
    return;
  }
}

}  // namespace omni::routing
