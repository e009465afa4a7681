#include "plugins/kiro/model_list.hpp"

#include "plugins/kiro/control_plane.hpp"

namespace omni::kiro {
namespace {

constexpr const char* kKept = "models";
constexpr const char* kTried = "modelsTriedAt";
constexpr int64_t kMinute = 60'000;
constexpr int64_t kFreshFor = 5 * kMinute;
constexpr int64_t kUsableFor = 24 * 60 * kMinute;
constexpr int64_t kNotAgainFor = 10 * kMinute;
constexpr int kMostPages = 20;
constexpr size_t kMostParsed = 256;  // more accounts than that: they are read anew now and then

std::optional<Catalogue> kept(const sdk::Call& call) {
  const auto text = call.value(kKept);
  return text ? parseCatalogue(*text) : std::nullopt;
}

std::shared_ptr<const Catalogue> builtin() {
  // The table lives as long as the library: nothing to own.
  return {std::shared_ptr<const Catalogue>(), &builtinCatalogue()};
}

bool youngerThan(const sdk::Call& call, const Catalogue& catalogue, int64_t ms) {
  const int64_t age = call.host().nowMs() - catalogue.fetched_ms;
  return age >= 0 && age < ms;
}

sdk::Result<Catalogue> fetch(sdk::Call& call, const Endpoints& endpoints, int64_t timeout_ms) {
  Catalogue out;
  std::string next;
  for (int page = 0; page < kMostPages; ++page) {
    ControlCall what;
    what.operation = "ListAvailableModels";
    what.timeout_ms = timeout_ms;
    if (!next.empty()) what.body["nextToken"] = next;
    auto answer = controlPlane(call, endpoints, std::move(what));
    if (!answer) return std::unexpected(std::move(answer.error()));
    const std::string before = next;
    if (!addModelPage(json::serialize(*answer), out, next))
      return sdk::fail(OMNI_FAILURE_PROTOCOL, "ListAvailableModels sent an answer without models");
    if (next.empty() || next == before) break;
  }
  out.fetched_ms = call.host().nowMs();
  if (auto saved = call.commit({{kKept, catalogueText(out)}, {kTried, std::nullopt}}); !saved)
    return std::unexpected(std::move(saved.error()));
  return out;
}

}  // namespace

sdk::Result<std::string> listModels(sdk::Call& call, const Endpoints& endpoints) {
  auto before = kept(call);
  if (before && youngerThan(call, *before, kFreshFor)) return catalogueText(*before);
  auto fresh = fetch(call, endpoints, 20'000);
  if (fresh) return catalogueText(*fresh);
  const sdk::Failure& failure = fresh.error();
  const bool passing = failure.reported || failure.kind == OMNI_FAILURE_UPSTREAM ||
                       failure.kind == OMNI_FAILURE_CAPACITY ||
                       failure.kind == OMNI_FAILURE_RATE_LIMITED ||
                       failure.kind == OMNI_FAILURE_TIMEOUT;
  if (before && passing && !failure.cancelled && youngerThan(call, *before, kUsableFor))
    return catalogueText(*before);
  return std::unexpected(std::move(fresh.error()));
}

std::shared_ptr<const Catalogue> CatalogueMemory::parsed(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_text_.find(text); found != by_text_.end()) return found->second;
  auto catalogue = parseCatalogue(text);
  if (!catalogue) return nullptr;
  if (by_text_.size() >= kMostParsed) by_text_.clear();
  return by_text_.emplace(text, std::make_shared<const Catalogue>(std::move(*catalogue)))
      .first->second;
}

sdk::Result<std::shared_ptr<const Catalogue>> catalogueFor(sdk::Call& call,
                                                           const Endpoints& endpoints,
                                                           CatalogueMemory& memory,
                                                           ListAge oldest) {
  const auto remembered = [&]() -> std::shared_ptr<const Catalogue> {
    const auto text = call.value(kKept);
    return text ? memory.parsed(*text) : nullptr;
  };
  const int64_t usable_for = oldest == ListAge::Minutes ? kFreshFor : kUsableFor;
  auto known = remembered();
  if (oldest == ListAge::Any || (known && youngerThan(call, *known, usable_for)))
    return known ? known : builtin();
  auto held = call.lock("models");
  if (!held) return std::unexpected(std::move(held.error()));
  // Whoever waited uses what the first one got.
  known = remembered();
  if (known && youngerThan(call, *known, usable_for)) return known;
  const std::string tried = call.value(kTried).value_or("");
  const int64_t now = call.host().nowMs();
  const bool lately =
      !tried.empty() && now - std::strtoll(tried.c_str(), nullptr, 10) < kNotAgainFor;
  if (!lately) {
    auto fresh = fetch(call, endpoints, 5'000);
    if (fresh) return std::make_shared<const Catalogue>(std::move(*fresh));
    if (fresh.error().cancelled) return std::unexpected(std::move(fresh.error()));
    if (auto saved = call.commit({{kTried, std::to_string(now)}});
        !saved && saved.error().cancelled)
      return std::unexpected(std::move(saved.error()));
  }
  return known ? known : builtin();
}

bool isFresh(const sdk::Call& call, const Catalogue& catalogue) {
  return catalogue.fetched_ms > 0 && youngerThan(call, catalogue, kFreshFor);
}

}  // namespace omni::kiro
