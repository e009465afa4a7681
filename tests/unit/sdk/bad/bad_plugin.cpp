// Plugins that break one rule each, chosen by a definition, to see that omniroute-plugin-check
// notices.

#include <omniroute/abi.h>

namespace {

int instance;

omni_status_t init(const omni_host_t* host, omni_plugin_t** plugin) {
#if !defined(BAD_NULL)
  if (!host || !plugin || host->struct_size < sizeof(omni_host_t)) return OMNI_INVALID;
#endif
  // The volatile read keeps the compiler from dropping the access that crashes.
  if (*const_cast<const volatile uint32_t*>(&host->abi_major) != OMNI_ABI_MAJOR)
    return OMNI_INVALID;
  *plugin = reinterpret_cast<omni_plugin_t*>(&instance);
  return OMNI_OK;
}

void deinit(omni_plugin_t*) {}

omni_status_t complete(omni_plugin_t* plugin, omni_call_t* call, const omni_request_t* request,
                       const omni_sink_t* sink) {
  if (!plugin || !call || !request || !sink || !sink->on_event ||
      request->struct_size < sizeof(omni_request_t))
    return OMNI_INVALID;
#if defined(BAD_SILENT)
  return OMNI_FAILED;
#else
  for (int i = 0; i < 3; ++i) {
    omni_event_t event{};
    event.struct_size = sizeof(event);
    event.kind = OMNI_EVENT_TEXT;
    event.text = {"word ", 5};
    [[maybe_unused]] const omni_status_t status = sink->on_event(sink->context, &event);
#if !defined(BAD_CANCEL)
    if (status != OMNI_OK) return OMNI_CANCELLED;
#endif
  }
#if defined(BAD_HANG)
  for (volatile int forever = 1; forever;) {
  }
#endif
  omni_event_t event{};
  event.struct_size = sizeof(event);
  event.kind = OMNI_EVENT_FINISH;
  return sink->on_event(sink->context, &event) == OMNI_OK ? OMNI_OK : OMNI_CANCELLED;
#endif
}

omni_status_t control(omni_plugin_t* plugin, omni_call_t* call, omni_str_t, omni_str_t,
                      const omni_writer_t* output) {
  if (!plugin || !call || !output || !output->write) return OMNI_INVALID;
  return OMNI_UNSUPPORTED;
}

const void* extension(omni_plugin_t*, omni_str_t) {
  return nullptr;
}

}  // namespace

#if defined(BAD_EXPORT)
extern "C" OMNI_EXPORT int second_symbol;
int second_symbol = 1;
#endif

#if defined(BAD_MAJOR)
#define ENTRY_MAJOR (OMNI_ABI_MAJOR + 1)
#else
#define ENTRY_MAJOR OMNI_ABI_MAJOR
#endif

extern "C" OMNI_EXPORT const omni_plugin_entry_t omni_plugin_entry_v1;
const omni_plugin_entry_t omni_plugin_entry_v1 = {sizeof(omni_plugin_entry_t),
                                                  ENTRY_MAJOR,
                                                  OMNI_ABI_MINOR,
                                                  0,
                                                  "bad",
                                                  "1.0.0",
                                                  &init,
                                                  &deinit,
                                                  &complete,
                                                  &control,
                                                  &extension};
