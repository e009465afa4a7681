#pragma once
// Who may use the service and how much: API keys, the admin's log-in, and what both are asked at
// the doors.

#include <functional>
#include <memory>
#include <string_view>

#include "core/ports/clock.hpp"
#include "core/ports/keyed_hash.hpp"
#include "core/ports/store.hpp"
#include "service/config/config.hpp"
#include "service/http/inference.hpp"
#include "service/http/route.hpp"
#include "service/storage/sqlite_store.hpp"
#include "service/telemetry/log.hpp"

namespace omni::app {

struct AccessDeps {
  storage::SqliteStore& store;
  ComboStore& combos;
  KeyedHash& keyed_hash;
  Clock& clock;
  Random& random;
  telemetry::Logger& log;
};

// Thread-safe after open(). What deps refer to must outlive it.
class Access {
 public:
  explicit Access(const AccessDeps& deps);
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  // Reads keys and password, and takes the first ones from their files. BadRequest when the address
  // is not loopback and a password or a key is missing.
  Result<> open(const config::Config& config);
  // `answers`: see admin::KeyDeps.
  void addRoutes(http::RouteTable& table, std::function<bool(std::string_view, bool)> answers);

  Result<> authorize(http::Request& request, const http::Route& route);
  // For InferenceHooks.
  Result<> admit(const http::Request& request, const chat::ChatRequest& chat);
  void leaving(const http::InferenceRecord& record);
  bool visible(const http::Request& request, const ModelEntry& entry) const;
  // An account ("kiro/name") or a combo got another name: keys that name it follow.
  void renamed(std::string_view from, std::string_view to, bool is_combo);
  // Writes what keys have spent.
  void flush();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace omni::app
