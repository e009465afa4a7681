#include "core/routing/model_catalog.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cctype>
#include <set>

namespace omni::routing {
namespace {

constexpr int64_t kFresh = 3600000;
constexpr int64_t kRetry = 300000;
constexpr size_t kMostModels = 1000;
constexpr size_t kLongestId = 200;

bool dropSuffix(std::string& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.resize(name.size() - suffix.size());
  return true;
}

std::string plainName(std::string_view model) {
  std::string out(model.substr(0, kLongestId));
  for (char& c : out)
    c = c == '.' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  dropSuffix(out, "-thinking");
  dropSuffix(out, "-latest");
  if (out.size() > 9 && out[out.size() - 9] == '-' &&
      std::all_of(out.end() - 8, out.end(), [](char c) { return c >= '0' && c <= '9'; }))
    out.resize(out.size() - 9);
  return out;
}

bool sameLists(const ModelList& a, const ModelList& b) {
  return std::ranges::equal(a, b, [](const CatalogModel& x, const CatalogModel& y) {
    return x.id == y.id && x.context_window == y.context_window && x.max_output == y.max_output;
  });
}

int64_t count(const boost::json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  boost::system::error_code code;
  const int64_t number = value ? value->to_number<int64_t>(code) : 0;
  return code || number < 0 ? 0 : number;
}

}  // namespace

bool sameModel(std::string_view a, std::string_view b) {
  return a == b || plainName(a) == plainName(b);
}

std::string findModel(const ModelList& models, std::string_view name) {
  for (const CatalogModel& model : models)
    if (model.id == name) return model.id;
  const std::string plain = plainName(name);
  for (const CatalogModel& model : models)
    if (plainName(model.id) == plain)
      return name.ends_with("-thinking") ? model.id + "-thinking" : model.id;
  return {};
}

std::optional<ModelList> parseModelList(std::string_view json) {
  boost::system::error_code failed;
  const auto document = boost::json::parse(json, failed);
  if (failed || !document.is_object()) return std::nullopt;
  const auto* list = document.get_object().if_contains("models");
  if (!list || !list->is_array()) return std::nullopt;
  ModelList out;
  for (const auto& item : list->get_array()) {
    if (!item.is_object() || out.size() >= kMostModels) continue;
    const auto* id = item.get_object().if_contains("id");
    if (!id || !id->is_string() || id->get_string().empty() || id->get_string().size() > kLongestId)
      continue;
    out.push_back({std::string(id->get_string()), count(item.get_object(), "contextWindow"),
                   count(item.get_object(), "maxOutput")});
  }
  return out;
}

std::shared_ptr<const ModelList> ModelCatalog::of(std::string_view connection_id) const {
  std::lock_guard lock(mutex_);
  const auto found = lists_.find(connection_id);
  return found == lists_.end() ? nullptr : found->second.models;
}

uint64_t ModelCatalog::version() const {
  std::lock_guard lock(mutex_);
  return version_;
}

bool ModelCatalog::incomplete() const {
  const auto accounts = accounts_.snapshot();
  const int64_t now = clock_.nowMs();
  std::lock_guard lock(mutex_);
  return std::ranges::any_of(*accounts, [&](const Connection& account) {
    return usableNow(account, now) && !lists_.contains(account.id);
  });
}

void ModelCatalog::store(const std::string& connection_id, std::optional<ModelList> models,
                         int64_t now_ms) {
  std::lock_guard lock(mutex_);
  Entry& entry = lists_[connection_id];
  entry.next_ms = now_ms + (models ? kFresh : kRetry);
  if (!models || (entry.models && sameLists(*entry.models, *models))) return;
  entry.models = std::make_shared<const ModelList>(std::move(*models));
  ++version_;
}

size_t ModelCatalog::refresh(const CancelToken& cancel) {
  const std::unique_lock alone(refreshing_, std::try_to_lock);
  if (!alone.owns_lock()) return 0;
  const auto accounts = accounts_.snapshot();
  {
    std::set<std::string_view> ids;
    for (const Connection& account : *accounts) ids.insert(account.id);
    std::lock_guard lock(mutex_);
    std::erase_if(lists_, [&](const auto& item) { return !ids.contains(item.first); });
  }
  size_t asked = 0;
  for (const Connection& account : *accounts) {
    const int64_t now = clock_.nowMs();
    {
      std::lock_guard lock(mutex_);
      if (const auto known = lists_.find(account.id);
          known != lists_.end() && now < known->second.next_ms)
        continue;
    }
    Provider* provider = providers_.find(account.provider);
    if (!provider || !usableNow(account, now)) continue;
    if (cancel.cancelled()) break;
    ++asked;
    auto answer = provider->control(account.id, "models.list", "{}", cancel);
    // A failure leaves the list of before; whether the account still works is not for this to say.
    store(account.id, answer ? parseModelList(*answer) : std::nullopt, clock_.nowMs());
  }
  return asked;
}

}  // namespace omni::routing
