#include "cli/local_scan.hpp"

#include <fmt/format.h>
#include <omniroute/local_scan.h>
#include <sys/stat.h>

#include <boost/dll/shared_library.hpp>
#include <chrono>
#include <memory>
#include <random>
#include <vector>

#include "cli/json.hpp"

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace omni::cli {
namespace {

namespace fs = std::filesystem;

// What a plugin may ask of this program: the time and random bytes. No account is ever called here.
omni_status_t none(const omni_writer_t*) {
  return OMNI_UNSUPPORTED;
}
const omni_host_t kHost = {
    sizeof(omni_host_t),
    OMNI_ABI_MAJOR,
    OMNI_ABI_MINOR,
    0,
    nullptr,
    [](void*, uint32_t, omni_str_t) {},
    [](void*) -> int64_t {
      return std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
          .count();
    },
    [](void*, void* out, size_t size) {
      std::random_device random;
      for (size_t i = 0; i < size; ++i)
        static_cast<unsigned char*>(out)[i] = static_cast<unsigned char>(random());
    },
    [](void*, omni_str_t, const omni_writer_t* out) { return none(out); },
    [](void*, omni_str_t) -> const void* { return nullptr; },
    [](omni_call_t*, const omni_error_t*) {},
    [](omni_call_t*) -> uint32_t { return 0; },
    [](omni_call_t*, const omni_http_request_t*, const omni_http_sink_t*) -> omni_status_t {
      return OMNI_UNSUPPORTED;
    },
    [](omni_call_t*, omni_str_t, const omni_writer_t* out) { return none(out); },
    [](omni_call_t*, const omni_change_t*, size_t) -> omni_status_t { return OMNI_UNSUPPORTED; },
    [](omni_call_t*, omni_str_t) -> omni_status_t { return OMNI_UNSUPPORTED; },
    [](omni_call_t*, omni_str_t) {}};

std::string trouble(const fs::path& file) {
#if !defined(_WIN32)
  struct stat info;
  if (stat(file.c_str(), &info) != 0) return fmt::format("{} is not there", file.string());
  if (info.st_uid != 0 && info.st_uid != geteuid())
    return fmt::format("{} belongs to another user, so it is not loaded", file.string());
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fmt::format("{} can be changed by others, so it is not loaded; chmod go-w it",
                       file.string());
#else
  std::error_code code;
  if (!fs::exists(file, code)) return fmt::format("{} is not there", file.string());
#endif
  return {};
}

omni_writer_t writerTo(std::string& out) {
  return {&out, [](void* context, omni_str_t bytes) {
            static_cast<std::string*>(context)->append(bytes.data, bytes.size);
          }};
}

std::expected<std::string, std::string> answer(omni_status_t status, std::string out) {
  if (status == OMNI_OK) return out;
  json::error_code code;
  const json::value value = json::parse(out, code);
  const std::string message = code ? std::string() : text(value, "message");
  return std::unexpected(message.empty() ? "the plugin failed at it" : message);
}

}  // namespace

struct LocalScan::Parts {
  const omni_plugin_entry_t* entry = nullptr;
  omni_plugin_t* plugin = nullptr;
  const omni_local_scan_t* ability = nullptr;
};

LocalScan::LocalScan(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

LocalScan::~LocalScan() {
  if (parts_ && parts_->plugin) parts_->entry->deinit(parts_->plugin);
}

std::expected<std::unique_ptr<LocalScan>, std::string> LocalScan::load(const fs::path& folder,
                                                                       std::string_view name) try {
  namespace dll = boost::dll;
  std::error_code code;
  const fs::path place = fs::canonical(folder, code);
  if (code)
    return std::unexpected(fmt::format(
        "the plugin folder {} does not exist; name it with --plugins-dir", folder.string()));
#if defined(_WIN32)
  const fs::path library = place / fmt::format("{}.dll", name);
#else
  const fs::path library = place / fmt::format("{}.so", name);
#endif
  for (const fs::path& one : {place, library})
    if (const std::string wrong = trouble(one); !wrong.empty()) return std::unexpected(wrong);
  // Never unloaded, as in the service: code of it may be in use until the process ends.
  static auto& kept = *new std::vector<std::unique_ptr<dll::shared_library>>;
  auto& mapped = *kept.emplace_back(std::make_unique<dll::shared_library>(
      library, dll::load_mode::rtld_now | dll::load_mode::rtld_local));
  if (!mapped.has(OMNI_ENTRY_SYMBOL))
    return std::unexpected(fmt::format("{} is no plugin", library.string()));
  auto parts = std::make_unique<Parts>();
  parts->entry = &mapped.get<const omni_plugin_entry_t>(OMNI_ENTRY_SYMBOL);
  if (parts->entry->abi_major != OMNI_ABI_MAJOR ||
      parts->entry->struct_size < sizeof(omni_plugin_entry_t))
    return std::unexpected(
        fmt::format("{} is of another version than this program", library.string()));
  if (parts->entry->init(&kHost, &parts->plugin) != OMNI_OK || !parts->plugin)
    return std::unexpected(fmt::format("{} does not start", library.string()));
  std::unique_ptr<LocalScan> loaded(new LocalScan(std::move(parts)));
  constexpr std::string_view kAbility = OMNI_LOCAL_SCAN;
  loaded->parts_->ability =
      static_cast<const omni_local_scan_t*>(loaded->parts_->entry->get_extension(
          loaded->parts_->plugin, {kAbility.data(), kAbility.size()}));
  if (!loaded->parts_->ability)
    return std::unexpected(
        fmt::format("{} cannot look for accounts on this machine", library.string()));
  return loaded;
} catch (const std::exception& error) {
  return std::unexpected(fmt::format("the plugin {} cannot be loaded: {}", name, error.what()));
}

std::expected<std::string, std::string> LocalScan::scan(const std::string& roots) const {
  std::string out;
  const omni_writer_t writer = writerTo(out);
  const omni_status_t status =
      parts_->ability->scan(parts_->plugin, {roots.data(), roots.size()}, &writer);
  return answer(status, std::move(out));
}

std::expected<std::string, std::string> LocalScan::read(const std::string& roots,
                                                        const std::string& id) const {
  std::string out;
  const omni_writer_t writer = writerTo(out);
  const omni_status_t status = parts_->ability->read(parts_->plugin, {roots.data(), roots.size()},
                                                     {id.data(), id.size()}, &writer);
  return answer(status, std::move(out));
}

}  // namespace omni::cli
