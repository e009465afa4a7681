#include "service/storage/settings_store.hpp"

#include <Poco/Data/Statement.h>

namespace omni::storage {

using Poco::Data::Session;
using Poco::Data::Statement;
using Poco::Data::Keywords::bind;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

Result<std::string> SettingsTable::setting(std::string_view key) {
  return sessions_->read([&](Session& session) -> Result<std::string> {
    std::string value;
    Statement select(session);
    select << "SELECT value FROM settings WHERE key=?", into(value), bind(std::string(key));
    if (select.execute() == 0) return std::string();
    return value;
  });
}

Result<> SettingsTable::putSetting(std::string_view key, std::string_view value) {
  return sessions_->write([&](Session& session) -> Result<> {
    session << "INSERT INTO settings(key, value) VALUES(?,?)"
               " ON CONFLICT(key) DO UPDATE SET value=excluded.value",
        bind(std::string(key)), bind(std::string(value)), now;
    return {};
  });
}

}  // namespace omni::storage
