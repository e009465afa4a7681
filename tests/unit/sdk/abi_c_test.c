/* The ABI header as strict C11: compiling this file is the test. The one function lets the C++ side
 * compare what C sees. */
#include <omniroute/abi.h>

size_t omniAbiSizeInC(int which);

static omni_status_t onEvent(void* context, const omni_event_t* event) {
  (void)context;
  return event == NULL ? OMNI_INVALID : OMNI_OK;
}

size_t omniAbiSizeInC(int which) {
  const omni_sink_t sink = {sizeof(omni_sink_t), 0, NULL, onEvent, NULL};
  switch (which) {
    case 0:
      return sizeof(omni_host_t);
    case 1:
      return sizeof(omni_plugin_entry_t);
    case 2:
      return sizeof(omni_request_t);
    case 3:
      return sizeof(omni_part_t);
    case 4:
      return sizeof(omni_event_t);
    case 5:
      return sizeof(omni_error_t);
    default:
      return sink.struct_size;
  }
}
