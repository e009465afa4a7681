#include "core/routing/model_catalog.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cctype>

namespace omni::routing {
namespace {

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

std::vector<std::string> spellings(std::string_view id) {
  std::vector<std::string> out;
  const std::string plain = plainName(id);
  for (const std::string& form : {std::string(id), plain})
    for (const char* tail : {"", "-thinking", "-latest"}) out.push_back(form + tail);
  return out;
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
  return found == lists_.end() ? nullptr : found->second;
}

bool ModelCatalog::received(const std::string& connection_id, std::string_view answer) {
  auto models = parseModelList(answer);
  if (!models) return false;
  std::lock_guard lock(mutex_);
  auto& list = lists_[connection_id];
  if (list && sameLists(*list, *models)) return true;
  list = std::make_shared<const ModelList>(std::move(*models));
  ++version_;
  return true;
}

void ModelCatalog::dropped(const std::string& connection_id) {
  std::lock_guard lock(mutex_);
  lists_.erase(connection_id);
}

}  // namespace omni::routing
