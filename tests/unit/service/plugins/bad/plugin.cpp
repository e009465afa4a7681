// A plugin with one fault, chosen by a definition. FAULT_NONE is sound: it shows that the others
// fail for their fault alone.
#include <omniroute/abi.h>

#include <cstddef>
#include <stdexcept>

namespace {

omni_status_t init(const omni_host_t* host, omni_plugin_t** plugin) {
#if defined(FAULT_THROWING_INIT)
  (void)plugin;
  constexpr char kText[] = "no licence found";
  host->log(host->context, OMNI_LOG_ERROR, {kText, sizeof(kText) - 1});
  throw std::runtime_error("thrown by init");
#else
  (void)host;
  static int instance;
  *plugin = reinterpret_cast<omni_plugin_t*>(&instance);
  return OMNI_OK;
#endif
}
void deinit(omni_plugin_t*) {}
[[maybe_unused]] omni_status_t complete(omni_plugin_t*, omni_call_t*, const omni_request_t*,
                                        const omni_sink_t*) {
  return OMNI_UNSUPPORTED;
}
omni_status_t control(omni_plugin_t*, omni_call_t*, omni_str_t, omni_str_t, const omni_writer_t*) {
  return OMNI_UNSUPPORTED;
}
const void* extension(omni_plugin_t*, omni_str_t) {
  return nullptr;
}

constexpr std::size_t kSize =
#if defined(FAULT_SHORT_STRUCT)
    16;
#else
    sizeof(omni_plugin_entry_t);
#endif
constexpr uint32_t kMajor =
#if defined(FAULT_WRONG_MAJOR)
    OMNI_ABI_MAJOR + 1;
#else
    OMNI_ABI_MAJOR;
#endif

}  // namespace

#if defined(FAULT_UNRESOLVED_SYMBOL)
extern "C" int nobody_defines_this();
extern "C" OMNI_EXPORT int useIt() {
  return nobody_defines_this();
}
#endif

#if defined(FAULT_MISSING_SYMBOL)
#define ENTRY_NAME some_other_symbol
#else
#define ENTRY_NAME omni_plugin_entry_v1
#endif
extern "C" OMNI_EXPORT const omni_plugin_entry_t ENTRY_NAME;
const omni_plugin_entry_t ENTRY_NAME = {kSize,    kMajor,    OMNI_ABI_MINOR, 0,
                                        "sample", "1.2.3",   &init,          &deinit,
#if defined(FAULT_NULL_FUNCTION)
                                        nullptr,
#else
                                        &complete,
#endif
                                        &control, &extension};
