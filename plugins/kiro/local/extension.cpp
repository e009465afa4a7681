#include "plugins/kiro/local/extension.hpp"

#include <boost/json/serialize.hpp>
#include <chrono>
#include <exception>

#include "plugins/kiro/local/scan.hpp"

namespace omni::kiro::local {
namespace {

std::string_view view(omni_str_t text) {
  return text.data ? std::string_view(text.data, text.size) : std::string_view();
}

void write(const omni_writer_t& out, const boost::json::object& object) {
  const std::string text = boost::json::serialize(object);
  out.write(out.context, {text.data(), text.size()});
}

// Without a call there is no host clock; only "expired" depends on it.
int64_t nowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

omni_status_t failed(const omni_writer_t& out, std::string_view message, omni_status_t status) {
  write(out, {{"message", message}});
  return status;
}

omni_status_t scanHere(omni_plugin_t*, omni_str_t roots, const omni_writer_t* out) noexcept try {
  if (!out || !out->write) return OMNI_INVALID;
  const auto where = Roots::parse(view(roots));
  if (!where) return failed(*out, where.error(), OMNI_INVALID);
  write(*out, listed(scan(*where), nowMs()));
  return OMNI_OK;
} catch (const std::exception&) {
  return OMNI_INTERNAL;
}

omni_status_t readHere(omni_plugin_t*, omni_str_t roots, omni_str_t id,
                       const omni_writer_t* out) noexcept try {
  if (!out || !out->write) return OMNI_INVALID;
  const auto where = Roots::parse(view(roots));
  if (!where) return failed(*out, where.error(), OMNI_INVALID);
  const auto found = readFound(*where, view(id));
  if (!found) return failed(*out, found.error(), OMNI_FAILED);
  write(*out, revealed(*found));
  return OMNI_OK;
} catch (const std::exception&) {
  return OMNI_INTERNAL;
}

constexpr omni_local_scan_t kScan = {sizeof(omni_local_scan_t), 0, &scanHere, &readHere};

}  // namespace

const omni_local_scan_t* extension() {
  return &kScan;
}

}  // namespace omni::kiro::local
