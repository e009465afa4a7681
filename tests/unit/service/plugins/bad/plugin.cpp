// A plugin with one fault, chosen by a definition. FAULT_NONE is sound: it shows that the others
// fail for their fault alone.
#include <omniroute/abi.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>

namespace {

omni_status_t init(const omni_host_t* host, omni_plugin_t** plugin) {
#if defined(FAULT_THROWING_INIT)
  (void)plugin;
  constexpr char kText[] = "no licence found";
  host->log(host->context, OMNI_LOG_ERROR, {kText, sizeof(kText) - 1});
  throw std::runtime_error("thrown by init");
#elif defined(FAULT_CRASHING_INIT)
  (void)host;
  *plugin = nullptr;
  std::raise(SIGSEGV);
  return OMNI_OK;
#elif defined(FAULT_EXITING_INIT)
  (void)host;
  *plugin = nullptr;
  std::_Exit(3);
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

#if defined(FAULT_CRASHING_LOAD)
// As a static object whose constructor runs into a null pointer.
const int crashed = std::raise(SIGSEGV);
#endif

constexpr std::size_t kSize =
#if defined(FAULT_SHORT_STRUCT)
    16;
#else
    sizeof(omni_plugin_entry_t);
#endif
// What a plugin says that was built with the header of the minor before this one.
constexpr uint32_t kMinor =
#if defined(FAULT_PREVIOUS_MINOR)
    OMNI_ABI_MINOR - 1;
#else
    OMNI_ABI_MINOR;
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
const omni_plugin_entry_t ENTRY_NAME = {kSize,    kMajor,    kMinor, 0,
                                        "sample", "1.2.3",   &init,  &deinit,
#if defined(FAULT_NULL_FUNCTION)
                                        nullptr,
#else
                                        &complete,
#endif
                                        &control, &extension};
