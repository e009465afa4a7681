#include "service/plugins/account_draft.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <set>

namespace omni::plugins {

namespace {

constexpr size_t kMaxName = 128;

std::string textMember(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

PluginDraft::PluginDraft(PluginProvider& provider, std::string id, const Connection* base)
    : provider_(provider),
      record_(provider.deps_.store, provider.id(), std::move(id), base),
      replaces_(base != nullptr) {}

Result<std::string> PluginDraft::control(std::string_view method, std::string_view input,
                                         const CancelToken& cancel) {
  if (stored_) return makeError(FailureKind::Internal, "this sign-in is over");
  auto output = provider_.invokeDraft(record_, method, input, cancel);
  // The plugin may have gone on all the same.
  if (record_.conflict()) return std::unexpected(*record_.conflict());
  if (!output) return output;
  boost::system::error_code failed;
  const boost::json::value parsed = boost::json::parse(*output, failed);
  const boost::json::object* answer = failed ? nullptr : parsed.if_object();
  if (method == "accounts.import") {
    complete_ = true;
  } else {
    complete_ = answer && textMember(*answer, "status") == "complete";
  }
  if (answer)
    if (std::string label = textMember(*answer, "label"); label.size() <= kMaxName)
      label_ = std::move(label);
  return output;
}

Result<std::string> PluginDraft::state() const {
  boost::json::array changes;
  for (const ValueChange& change : record_.pending()) {
    boost::json::object one{{"key", change.key}, {"secret", change.secret}};
    if (change.value) one["value"] = *change.value;
    changes.push_back(std::move(one));
  }
  return boost::json::serialize(boost::json::object{{"id", record_.id()},
                                                    {"replaces", replaces_},
                                                    {"label", label_},
                                                    {"changes", std::move(changes)}});
}

Result<> PluginDraft::restore(const boost::json::object& state) {
  label_ = textMember(state, "label");
  const boost::json::value* list = state.if_contains("changes");
  if (list == nullptr || !list->is_array())
    return makeError(FailureKind::Protocol, "the kept sign-in cannot be read");
  std::vector<ValueChange> changes;
  for (const boost::json::value& item : list->get_array()) {
    const boost::json::object* one = item.if_object();
    if (one == nullptr || textMember(*one, "key").empty())
      return makeError(FailureKind::Protocol, "the kept sign-in cannot be read");
    const boost::json::value* secret = one->if_contains("secret");
    ValueChange& change = changes.emplace_back();
    change.key = textMember(*one, "key");
    change.secret = secret != nullptr && secret->is_bool() && secret->get_bool();
    if (one->contains("value")) change.value = textMember(*one, "value");
  }
  return record_.commit(changes);
}

Result<std::string> PluginDraft::finish(std::string_view name) {
  if (stored_) return makeError(FailureKind::Internal, "this sign-in is over");
  if (!complete_) return makeError(FailureKind::Internal, "this sign-in is not complete yet");
  if (record_.empty()) {
    provider_.context_.misbehaved("a sign-in succeeded without committing anything");
    return makeError(FailureKind::Internal,
                     fmt::format("the provider plugin \"{}\" made an error; see the log",
                                 provider_.context_.plugin));
  }
  auto id = replaces_ ? replace() : create(name);
  stored_ = id.has_value();
  return id;
}

Result<std::string> PluginDraft::replace() {
  const Deps& deps = provider_.deps_;
  auto now = deps.store.get(record_.id());
  if (!now) return std::unexpected(std::move(now.error()));
  StateRecord state;
  state.since_ms = deps.clock.nowMs();
  // Only a person ends what a person set.
  if (now->state.state == AccountState::Disabled) state = now->state;
  auto done = provider_.generations_.replace(
      record_.id(), [&] { return deps.store.replace(record_.id(), record_.changes(), state); });
  if (!done) return std::unexpected(std::move(done.error()));
  return record_.id();
}

Result<std::string> PluginDraft::create(std::string_view name) {
  const Deps& deps = provider_.deps_;
  const std::string& provider = provider_.context_.plugin;
  const std::vector<ValueChange> changes = record_.changes();
  std::string region;
  for (const ValueChange& change : changes)
    if (change.key == "region" && !change.secret && change.value) region = *change.value;

  Connection connection;
  connection.id = record_.id();
  connection.provider = provider;
  connection.created_ms = connection.updated_ms = connection.state.since_ms = deps.clock.nowMs();

  const std::string base = !name.empty()     ? std::string(name)
                           : !label_.empty() ? label_
                                             : provider + (region.empty() ? "" : "-" + region);
  // A name that somebody chose is theirs to change; one that was made up here moves on to the next
  // free number. Another sign-in may take that at the same moment, hence the second and third try.
  for (int attempt = 0;; ++attempt) {
    connection.name = base;
    if (name.empty()) {
      auto all = deps.store.list();
      if (!all) return std::unexpected(std::move(all.error()));
      std::set<std::string> taken;
      for (const Connection& other : *all)
        if (other.provider == provider) taken.insert(other.name);
      if (label_.empty() || taken.contains(base)) {
        int n = label_.empty() ? 1 : 2;
        while (taken.contains(base + "-" + std::to_string(n))) ++n;
        connection.name = base + "-" + std::to_string(n);
      }
    }
    auto created = deps.store.create(connection, changes);
    if (created) return connection.id;
    if (name.empty() && created.error().kind == FailureKind::Conflict && attempt < 2) {
      auto other = deps.store.get(created.error().conflict_id);
      if (other && other->name == connection.name) continue;
    }
    return std::unexpected(std::move(created.error()));
  }
}

}  // namespace omni::plugins
