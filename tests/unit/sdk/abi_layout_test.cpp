// The layout of every struct of the ABI on 64-bit systems. These numbers are frozen: a plugin built
// last year relies on them. Adding a member at the end changes a SIZE and adds an offset; anything
// else that makes this file fail is a break of the ABI (sdk/ABI.md).

#include <omniroute/abi.h>

#include <cstddef>

#define SIZE(type, size) static_assert(sizeof(type) == size)
#define OFFSET(type, member, offset) static_assert(offsetof(type, member) == offset)

static_assert(OMNI_ABI_MAJOR == 1);
static_assert(sizeof(omni_status_t) == 4);

#if INTPTR_MAX == INT64_MAX

SIZE(omni_str_t, 16);
OFFSET(omni_str_t, data, 0);
OFFSET(omni_str_t, size, 8);

SIZE(omni_error_t, 96);
OFFSET(omni_error_t, struct_size, 0);
OFFSET(omni_error_t, kind, 4);
OFFSET(omni_error_t, upstream_status, 8);
OFFSET(omni_error_t, scope, 12);  // 1.0: reserved
OFFSET(omni_error_t, retry_after_ms, 16);
OFFSET(omni_error_t, reset_at_ms, 24);
OFFSET(omni_error_t, message, 32);
OFFSET(omni_error_t, detail, 48);
OFFSET(omni_error_t, reason, 64);
OFFSET(omni_error_t, field, 80);

SIZE(omni_part_t, 120);
OFFSET(omni_part_t, kind, 0);
OFFSET(omni_part_t, flags, 4);
OFFSET(omni_part_t, text, 8);
OFFSET(omni_part_t, id, 24);
OFFSET(omni_part_t, name, 40);
OFFSET(omni_part_t, media_type, 56);
OFFSET(omni_part_t, data, 72);
OFFSET(omni_part_t, signature, 88);
OFFSET(omni_part_t, children, 104);
OFFSET(omni_part_t, child_count, 112);

SIZE(omni_message_t, 24);
OFFSET(omni_message_t, role, 0);
OFFSET(omni_message_t, reserved, 4);
OFFSET(omni_message_t, parts, 8);
OFFSET(omni_message_t, part_count, 16);

SIZE(omni_tool_t, 48);
OFFSET(omni_tool_t, name, 0);
OFFSET(omni_tool_t, description, 16);
OFFSET(omni_tool_t, schema, 32);

SIZE(omni_request_t, 184);
OFFSET(omni_request_t, struct_size, 0);
OFFSET(omni_request_t, part_size, 4);
OFFSET(omni_request_t, message_size, 8);
OFFSET(omni_request_t, tool_size, 12);
OFFSET(omni_request_t, model, 16);
OFFSET(omni_request_t, conversation_id, 32);
OFFSET(omni_request_t, messages, 48);
OFFSET(omni_request_t, message_count, 56);
OFFSET(omni_request_t, tools, 64);
OFFSET(omni_request_t, tool_count, 72);
OFFSET(omni_request_t, tool_choice, 80);
OFFSET(omni_request_t, parallel_tool_calls, 84);
OFFSET(omni_request_t, tool_choice_name, 88);
OFFSET(omni_request_t, stop, 104);
OFFSET(omni_request_t, stop_count, 112);
OFFSET(omni_request_t, reasoning_effort, 120);
OFFSET(omni_request_t, reasoning_budget, 136);
OFFSET(omni_request_t, max_tokens, 144);
OFFSET(omni_request_t, temperature, 152);
OFFSET(omni_request_t, top_p, 160);
OFFSET(omni_request_t, response_format, 168);

SIZE(omni_usage_t, 48);
OFFSET(omni_usage_t, input_tokens, 0);
OFFSET(omni_usage_t, output_tokens, 8);
OFFSET(omni_usage_t, cache_read_tokens, 16);
OFFSET(omni_usage_t, cache_write_tokens, 24);
OFFSET(omni_usage_t, credits, 32);
OFFSET(omni_usage_t, estimated, 40);
OFFSET(omni_usage_t, reserved, 44);

SIZE(omni_event_t, 72);
OFFSET(omni_event_t, struct_size, 0);
OFFSET(omni_event_t, kind, 4);
OFFSET(omni_event_t, text, 8);
OFFSET(omni_event_t, id, 24);
OFFSET(omni_event_t, name, 40);
OFFSET(omni_event_t, usage, 56);
OFFSET(omni_event_t, finish, 64);
OFFSET(omni_event_t, reserved, 68);

SIZE(omni_sink_t, 32);  // 1.0: 24
OFFSET(omni_sink_t, struct_size, 0);
OFFSET(omni_sink_t, reserved, 4);
OFFSET(omni_sink_t, context, 8);
OFFSET(omni_sink_t, on_event, 16);
OFFSET(omni_sink_t, request_done, 24);

SIZE(omni_writer_t, 16);
OFFSET(omni_writer_t, context, 0);
OFFSET(omni_writer_t, write, 8);

SIZE(omni_header_t, 32);
OFFSET(omni_header_t, name, 0);
OFFSET(omni_header_t, value, 16);

SIZE(omni_http_request_t, 88);
OFFSET(omni_http_request_t, struct_size, 0);
OFFSET(omni_http_request_t, flags, 4);
OFFSET(omni_http_request_t, method, 8);
OFFSET(omni_http_request_t, url, 24);
OFFSET(omni_http_request_t, headers, 40);
OFFSET(omni_http_request_t, header_count, 48);
OFFSET(omni_http_request_t, body, 56);
OFFSET(omni_http_request_t, first_byte_timeout_ms, 72);
OFFSET(omni_http_request_t, idle_timeout_ms, 80);

SIZE(omni_http_sink_t, 32);
OFFSET(omni_http_sink_t, struct_size, 0);
OFFSET(omni_http_sink_t, reserved, 4);
OFFSET(omni_http_sink_t, context, 8);
OFFSET(omni_http_sink_t, on_response, 16);
OFFSET(omni_http_sink_t, on_body, 24);

SIZE(omni_change_t, 40);
OFFSET(omni_change_t, key, 0);
OFFSET(omni_change_t, value, 16);
OFFSET(omni_change_t, kind, 32);
OFFSET(omni_change_t, reserved, 36);

SIZE(omni_host_t, 120);
OFFSET(omni_host_t, struct_size, 0);
OFFSET(omni_host_t, abi_major, 4);
OFFSET(omni_host_t, abi_minor, 8);
OFFSET(omni_host_t, reserved, 12);
OFFSET(omni_host_t, context, 16);
OFFSET(omni_host_t, log, 24);
OFFSET(omni_host_t, now_ms, 32);
OFFSET(omni_host_t, random_bytes, 40);
OFFSET(omni_host_t, setting, 48);
OFFSET(omni_host_t, get_extension, 56);
OFFSET(omni_host_t, set_error, 64);
OFFSET(omni_host_t, is_cancelled, 72);
OFFSET(omni_host_t, http, 80);
OFFSET(omni_host_t, get_value, 88);
OFFSET(omni_host_t, commit, 96);
OFFSET(omni_host_t, lock, 104);
OFFSET(omni_host_t, unlock, 112);

SIZE(omni_plugin_entry_t, 72);
OFFSET(omni_plugin_entry_t, struct_size, 0);
OFFSET(omni_plugin_entry_t, abi_major, 4);
OFFSET(omni_plugin_entry_t, abi_minor, 8);
OFFSET(omni_plugin_entry_t, reserved, 12);
OFFSET(omni_plugin_entry_t, id, 16);
OFFSET(omni_plugin_entry_t, version, 24);
OFFSET(omni_plugin_entry_t, init, 32);
OFFSET(omni_plugin_entry_t, deinit, 40);
OFFSET(omni_plugin_entry_t, complete, 48);
OFFSET(omni_plugin_entry_t, control, 56);
OFFSET(omni_plugin_entry_t, get_extension, 64);

#endif
