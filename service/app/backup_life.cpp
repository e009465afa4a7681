#include "service/app/backup_life.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <fstream>

#include "service/secrets/sealer.hpp"
#include "service/storage/backup.hpp"

#ifndef _WIN32
#include <unistd.h>
#endif

namespace omni::app {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using secrets::MasterKey;

std::string hex(std::string_view bytes) {
  std::string out;
  for (unsigned char c : bytes) out += fmt::format("{:02x}", c);
  return out;
}

// Empty: no 32 bytes in hexadecimal.
std::string unhex(std::string_view text) {
  if (text.size() != 2 * MasterKey::kSize) return {};
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    const auto [end, failed] = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    if (failed != std::errc() || end != text.data() + i + 2) return {};
    out += static_cast<char>(value);
  }
  return out;
}

struct Wiped {
  std::string text;
  ~Wiped() { OPENSSL_cleanse(text.data(), text.size()); }
};

std::unexpected<Error> noBackup(std::string_view why) {
  return makeError(FailureKind::BadRequest,
                   fmt::format("This is no usable backup: {}. Nothing was changed.", why),
                   "backup");
}

// Can a file be replaced there? A credential of systemd cannot.
bool replaceable(const fs::path& file) {
#ifdef _WIN32
  (void)file;
  return true;
#else
  return ::access(file.parent_path().c_str(), W_OK) == 0;
#endif
}

std::string installedKey(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string key(MasterKey::kSize + 1, '\0');
  in.read(key.data(), static_cast<std::streamsize>(key.size()));
  key.resize(static_cast<size_t>(std::max<std::streamsize>(0, in.gcount())));
  return key;
}

}  // namespace

fs::path databaseFile(const config::Config& config) {
  return config.data_dir / "omniroute.sqlite";
}

BackupLife::BackupLife(const config::Config& config, std::string current, Clock& clock)
    : database_(fs::absolute(databaseFile(config))),
      key_file_(fs::absolute(config.master_key_file)),
      current_(std::move(current)),
      clock_(clock) {
  if (current_.empty()) current_ = installedKey(key_file_);
}

BackupLife::~BackupLife() {
  OPENSSL_cleanse(current_.data(), current_.size());
}

// Plain: one line of JSON with the key, then the database.
Result<std::string> BackupLife::make(std::string_view passphrase) {
  auto copy = storage::copyDatabase(database_, clock_.nowMs());
  if (!copy) return std::unexpected(std::move(copy.error()));
  Wiped plain{
      json::serialize(json::object{
          {"createdMs", clock_.nowMs()}, {"version", OMNI_VERSION}, {"masterKey", hex(current_)}}) +
      "\n"};
  plain.text += *copy;
  return cipher_.seal(plain.text, passphrase);
}

Result<BackupSummary> BackupLife::stage(std::string_view backup, std::string_view passphrase) {
  auto opened = cipher_.open(backup, passphrase);
  if (!opened) return std::unexpected(std::move(opened.error()));
  const Wiped plain{std::move(*opened)};
  const std::string_view text = plain.text;
  const size_t end = text.find('\n');
  boost::system::error_code problem;
  const json::value head = json::parse(text.substr(0, std::min(end, size_t{4096})), problem);
  if (end == std::string_view::npos || problem || !head.is_object())
    return noBackup("what is sealed in it is something else");
  const auto member = [&](std::string_view name) -> const json::value* {
    return head.get_object().if_contains(name);
  };
  const json::value* key_text = member("masterKey");
  const Wiped key{key_text && key_text->is_string() ? unhex(key_text->get_string())
                                                    : std::string()};
  if (key.text.empty()) return noBackup("its key is damaged");
  const bool other_key = key.text != current_;
  if (other_key && !replaceable(key_file_))
    return makeError(
        FailureKind::Conflict,
        fmt::format(
            "The backup has another master key than this service, and {} cannot be replaced "
            "by the service (it is a credential of the service manager, or its folder is "
            "read-only). Start without that credential, restore, and make the credential "
            "anew from the restored key. Nothing was changed.",
            key_file_.string()),
        "backup");
  std::array<unsigned char, MasterKey::kSize> bytes{};
  std::copy(key.text.begin(), key.text.end(), bytes.begin());
  secrets::AesGcmSealer sealer{MasterKey(bytes)};
  OPENSSL_cleanse(bytes.data(), bytes.size());
  auto info = storage::stageCopy(database_, text.substr(end + 1), sealer,
                                 other_key ? std::string_view(key.text) : std::string_view());
  if (!info) return std::unexpected(std::move(info.error()));
  BackupSummary summary;
  if (const auto* at = member("createdMs"); at && at->is_int64())
    summary.created_ms = at->as_int64();
  if (const auto* by = member("version"); by && by->is_string()) summary.version = by->as_string();
  summary.schema = info->schema;
  summary.connections = info->connections;
  return summary;
}

std::optional<BackupSummary> BackupLife::staged() {
  const auto found = storage::stagedCopy(database_);
  if (!found) return std::nullopt;
  BackupSummary summary;
  summary.created_ms = found->info.copied_ms > 0 ? found->info.copied_ms : found->at_ms;
  summary.schema = found->info.schema;
  summary.connections = found->info.connections;
  return summary;
}

Result<> BackupLife::unstage() {
  auto removed = storage::removeStaged(database_);
  if (!removed) return std::unexpected(std::move(removed.error()));
  if (!*removed)
    return makeError(FailureKind::NotFound, "No restore waits for the next start of the service.");
  return {};
}

Result<> prepareDatabase(const config::Config& config, Clock& clock,
                         const std::function<void(const std::string&)>& say) {
  const fs::path database = fs::absolute(databaseFile(config));
  auto adopted =
      storage::adoptStaged(database, fs::absolute(config.master_key_file), clock.nowMs());
  if (!adopted) return std::unexpected(std::move(adopted.error()));
  if (!adopted->empty())
    say(fmt::format("a backup was restored; what was there before is kept as {}", *adopted));
  const std::string damaged = storage::damagedWithoutSuccessor(database);
  if (damaged.empty()) return {};
  auto error = makeError(
      FailureKind::Unavailable,
      fmt::format("The database was damaged and is kept as {}. Nothing took its place yet: bring a "
                  "backup back (omnirouted --restore FILE), or begin anew without its accounts "
                  "(omnirouted --begin-anew).",
                  damaged));
  error.error().reason = "storage_damaged";
  return error;
}

Error keepDamaged(Error error, const config::Config& config, Clock& clock) {
  if (error.reason != "storage_damaged") return error;
  const fs::path database = fs::absolute(databaseFile(config));
  auto moved = storage::setAside(database, clock.nowMs());
  error.message =
      moved ? fmt::format(
                  "The database {} is damaged. It is kept, as it was found, as {}. Bring a "
                  "backup back (omnirouted --restore FILE), or begin anew without its "
                  "accounts (omnirouted --begin-anew).",
                  database.string(), *moved)
            : fmt::format("The database {} is damaged and could not be moved aside: {}",
                          database.string(), moved.error().message);
  return error;
}

}  // namespace omni::app
