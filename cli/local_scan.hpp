#pragma once
// The local scan of a provider's plugin, run in this process with this user's rights.

#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace omni::cli {

class LocalScan {
 public:
  // Maps the plugin's library. Refused when others may write to it: it runs with this user's
  // rights.
  static std::expected<std::unique_ptr<LocalScan>, std::string> load(
      const std::filesystem::path& folder, std::string_view plugin);
  ~LocalScan();
  LocalScan(const LocalScan&) = delete;
  LocalScan& operator=(const LocalScan&) = delete;

  // As omni_local_scan_t: JSON texts.
  std::expected<std::string, std::string> scan(const std::string& roots) const;
  std::expected<std::string, std::string> read(const std::string& roots,
                                               const std::string& id) const;

 private:
  struct Parts;
  explicit LocalScan(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace omni::cli
