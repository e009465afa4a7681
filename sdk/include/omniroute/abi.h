/* OmniRoute plugin ABI: the C contract between the host (omnirouted) and a provider plugin.
 *
 * Nothing but this header crosses the boundary: no C++ type, heap object, exception or RTTI. Rules
 * of growth are in sdk/ABI.md. Plugin authors normally include <omniroute/sdk.hpp>, which wraps all
 * of this in C++ classes.
 *
 * Ownership: every pointer handed across is borrowed for the duration of the call that passes it,
 * unless a comment says otherwise. Nobody frees what the other side allocated; answers of unknown
 * size go through an omni_writer_t. Text:      omni_str_t is UTF-8, not NUL-terminated; data may be
 * NULL when size is 0. Threads:   [main] called by the host on one thread while no other call is
 * under way; [any] callable from any thread, concurrently; [call] only from within the plugin
 * function that received the omni_call_t, on that thread.
 */
#ifndef OMNIROUTE_ABI_H
#define OMNIROUTE_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OMNI_ABI_MAJOR 1u
#define OMNI_ABI_MINOR 1u
#define OMNI_ENTRY_SYMBOL "omni_plugin_entry_v1"

#if defined(_WIN32)
#define OMNI_EXPORT __declspec(dllexport)
#else
#define OMNI_EXPORT __attribute__((visibility("default")))
#endif

typedef struct omni_str {
  const char* data;
  size_t size;
} omni_str_t;

/* ---- Status of a call
 * -------------------------------------------------------------------------------------------------
 */
typedef uint32_t omni_status_t;
#define OMNI_OK 0u
#define OMNI_CANCELLED \
  1u /* the client went away or the host is stopping; not an error of the account */
#define OMNI_FAILED 2u /* the details were given with omni_host_t::set_error before returning */
#define OMNI_UNSUPPORTED 3u /* the method or ability does not exist in this plugin or host */
#define OMNI_INVALID \
  4u /* an argument broke the contract (NULL, short struct); a bug of the caller */
#define OMNI_INTERNAL 5u /* an exception or a bug inside the callee */

/* ---- What went wrong (omni_error_t::kind). The host's error table turns it into account state,
 * retry and client status. */
#define OMNI_FAILURE_INTERNAL 0u
#define OMNI_FAILURE_NETWORK 1u /* no connection, reset, TLS failure */
#define OMNI_FAILURE_TIMEOUT 2u
#define OMNI_FAILURE_UPSTREAM 3u        /* upstream's own 5xx */
#define OMNI_FAILURE_AUTH_INVALID 4u    /* the access token was refused; a refresh may help */
#define OMNI_FAILURE_REAUTH_REQUIRED 5u /* the refresh token is dead: only a new sign-in helps */
#define OMNI_FAILURE_SUSPENDED 6u
#define OMNI_FAILURE_NOT_AUTHORIZED \
  7u                                 /* plan, profile or client gate: the account may not do this */
#define OMNI_FAILURE_QUOTA 8u        /* credits used up until reset */
#define OMNI_FAILURE_RATE_LIMITED 9u /* this account is too fast */
#define OMNI_FAILURE_CAPACITY \
  10u /* the model or the whole service is full, not the account's fault */
#define OMNI_FAILURE_CONTEXT_LENGTH 11u
#define OMNI_FAILURE_MODEL_UNAVAILABLE 12u
#define OMNI_FAILURE_BAD_REQUEST 13u    /* the client's fault; touches no account */
#define OMNI_FAILURE_EMPTY_RESPONSE 14u /* success without any content */
#define OMNI_FAILURE_PROTOCOL 15u /* broken frame, truncated stream, answer of an unknown shape */
#define OMNI_FAILURE_CONFLICT 16u /* the same account is there already */
#define OMNI_FAILURE_NOT_FOUND 17u

/* How far a failure reaches (omni_error_t::scope, since 1.1): only where the provider says so.
 * Today it tells limits (RATE_LIMITED) of one model from those of the whole account. An unknown
 * number counts as DEFAULT. */
#define OMNI_SCOPE_DEFAULT 0u /* what the host's table says of the kind; as before 1.1 */
#define OMNI_SCOPE_ACCOUNT 1u
#define OMNI_SCOPE_ACCOUNT_MODEL 2u /* the account's other models are not touched */

typedef struct omni_error {
  uint32_t struct_size;
  uint32_t kind;            /* OMNI_FAILURE_* */
  uint32_t upstream_status; /* HTTP status, 0 if there was none */
  uint32_t scope;           /* OMNI_SCOPE_*; called reserved, and zero, in 1.0 */
  int64_t retry_after_ms;   /* -1: unknown */
  int64_t reset_at_ms;      /* Unix ms at which quota returns; -1: unknown */
  omni_str_t message;       /* for the client: what happened and what to do; never a secret */
  omni_str_t detail;        /* for the log; never a secret */
  omni_str_t reason;        /* upstream's own machine-readable reason, e.g. MONTHLY_REQUEST_COUNT */
  omni_str_t field;         /* for BAD_REQUEST of a sign-in: which member was wrong */
} omni_error_t;

/* ---- The chat request. Schemas and arguments are raw JSON text so that nothing is parsed twice.
 * ----------------------- */
#define OMNI_ROLE_SYSTEM 0u
#define OMNI_ROLE_USER 1u
#define OMNI_ROLE_ASSISTANT 2u

#define OMNI_PART_TEXT 0u
#define OMNI_PART_IMAGE 1u /* media_type, data (base64) or text (URL) */
#define OMNI_PART_TOOL_CALL \
  2u /* id, name, text = arguments as raw JSON text (may be broken: pass on or repair) */
#define OMNI_PART_TOOL_RESULT \
  3u /* id = the call's id, children = content, flags may hold OMNI_PART_IS_ERROR */
#define OMNI_PART_REASONING 4u          /* text, signature */
#define OMNI_PART_REDACTED_REASONING 5u /* data */

#define OMNI_PART_IS_ERROR 1u
#define OMNI_PART_CACHE_POINT 2u /* the client marked a prompt-cache boundary after this part */

typedef struct omni_part {
  uint32_t kind;
  uint32_t flags;
  omni_str_t text;
  omni_str_t id;
  omni_str_t name;
  omni_str_t media_type;
  omni_str_t data;
  omni_str_t signature;
  const struct omni_part*
      children; /* host-built, same stride as the parent's array (omni_request_t::part_size) */
  size_t child_count;
} omni_part_t;

typedef struct omni_message {
  uint32_t role;
  uint32_t reserved;
  const omni_part_t* parts;
  size_t part_count;
} omni_message_t;

typedef struct omni_tool {
  omni_str_t name;
  omni_str_t description;
  omni_str_t schema; /* JSON Schema of the arguments, raw JSON text; empty: no parameters */
} omni_tool_t;

#define OMNI_TOOL_CHOICE_AUTO 0u
#define OMNI_TOOL_CHOICE_NONE 1u
#define OMNI_TOOL_CHOICE_REQUIRED 2u
#define OMNI_TOOL_CHOICE_NAMED 3u

typedef struct omni_request {
  uint32_t struct_size;
  uint32_t
      part_size; /* sizeof(omni_part_t) of the host: the stride of every parts/children array */
  uint32_t message_size; /* stride of messages */
  uint32_t tool_size;    /* stride of tools */
  omni_str_t model;
  omni_str_t conversation_id; /* stable over one conversation; empty: unknown */
  const omni_message_t* messages;
  size_t message_count;
  const omni_tool_t* tools;
  size_t tool_count;
  uint32_t tool_choice;
  uint32_t parallel_tool_calls; /* 1 allowed (default), 0 at most one call a turn */
  omni_str_t tool_choice_name;
  const omni_str_t* stop;
  size_t stop_count;
  omni_str_t reasoning_effort; /* "", none, minimal to max, adaptive: the model decides */
  int64_t reasoning_budget;    /* tokens; -1: not given */
  int64_t max_tokens;          /* -1: not given */
  double temperature;          /* NaN: not given */
  double top_p;                /* NaN: not given */
  omni_str_t response_format;  /* raw JSON of OpenAI's response_format; empty: none */
} omni_request_t;

/* ---- What comes back
 * ---------------------------------------------------------------------------------------------------
 */
#define OMNI_EVENT_STARTED 0u             /* upstream accepted the request; no content yet */
#define OMNI_EVENT_TEXT 1u                /* text: a delta */
#define OMNI_EVENT_REASONING 2u           /* text: a delta */
#define OMNI_EVENT_REASONING_SIGNATURE 3u /* text: the signature, byte-exact */
#define OMNI_EVENT_REDACTED_REASONING 4u  /* text: base64 */
#define OMNI_EVENT_TOOL_START 5u          /* id, name */
#define OMNI_EVENT_TOOL_ARGUMENTS 6u      /* id, text: a fragment of the arguments' JSON text */
#define OMNI_EVENT_TOOL_END 7u            /* id */
#define OMNI_EVENT_USAGE 8u               /* usage; the last one wins */
#define OMNI_EVENT_FINISH \
  9u /* finish; text: the stop sequence that matched, if one did; at most once, last */

#define OMNI_FINISH_STOP 0u
#define OMNI_FINISH_LENGTH 1u
#define OMNI_FINISH_TOOL_CALLS 2u
#define OMNI_FINISH_CONTENT_FILTER 3u
#define OMNI_FINISH_CONTEXT_LENGTH 4u
#define OMNI_FINISH_PAUSE 5u

typedef struct omni_usage {
  int64_t input_tokens; /* all of the prompt, cached parts included; -1: unknown */
  int64_t output_tokens;
  int64_t cache_read_tokens;
  int64_t cache_write_tokens;
  double credits;     /* < 0: unknown */
  uint32_t estimated; /* 1: the numbers are this side's estimate, not upstream's */
  uint32_t reserved;
} omni_usage_t;

typedef struct omni_event {
  uint32_t struct_size;
  uint32_t kind;
  omni_str_t text;
  omni_str_t id;
  omni_str_t name;
  const omni_usage_t* usage;
  uint32_t finish;
  uint32_t reserved;
} omni_event_t;

/* Host-owned. on_event is [call]. It may block while the client reads slowly (that is the
 * back-pressure) and returns OMNI_OK, or OMNI_CANCELLED: the plugin must then return OMNI_CANCELLED
 * without sending more.
 * request_done is [call], since 1.1, may be NULL: the plugin's word that it reads the request no
 * more, so that the host need not keep a long conversation while its answer runs. From then on
 * every pointer in the request is invalid. Not calling it costs memory only; calling it again does
 * nothing. */
typedef struct omni_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void* context;
  omni_status_t (*on_event)(void* context, const omni_event_t* event);
  void (*request_done)(void* context);
} omni_sink_t;

/* Takes an answer of any size; may be called several times, the pieces are appended. */
typedef struct omni_writer {
  void* context;
  void (*write)(void* context, omni_str_t bytes);
} omni_writer_t;

/* ---- Host services. Each is bound to the call, and the call to one account: a plugin cannot reach
 * another account's secrets, connection pool or proxy.
 * -------------------------------------------------------------------------------- */
typedef struct omni_call omni_call_t; /* host-owned, opaque */

typedef struct omni_header {
  omni_str_t name;
  omni_str_t value;
} omni_header_t;

typedef struct omni_http_request {
  uint32_t struct_size;
  uint32_t flags;
  omni_str_t method; /* GET, POST, DELETE */
  omni_str_t url;    /* http or https, absolute */
  const omni_header_t* headers;
  size_t header_count;
  omni_str_t body;
  int64_t first_byte_timeout_ms; /* 0: the host's default */
  int64_t idle_timeout_ms;       /* between body bytes; 0: the host's default */
} omni_http_request_t;
#define OMNI_HTTP_IDEMPOTENT \
  1u /* the host may repeat it once when a pooled connection turns out dead */
/* Since 1.1: the request uses something up (a refresh token, a code), and its answer holds what
 * takes the place of that. Once it begins to be sent, the answer is waited for within the time-outs
 * even if the call is cancelled meanwhile. */
#define OMNI_HTTP_FINISH 2u

/* on_response is called once, then on_body as bytes arrive, without waiting to fill a buffer. A
 * return other than OMNI_OK stops the transfer and makes http() return it. */
typedef struct omni_http_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void* context;
  omni_status_t (*on_response)(void* context, uint32_t status, const omni_header_t* headers,
                               size_t header_count);
  omni_status_t (*on_body)(void* context, omni_str_t bytes);
} omni_http_sink_t;

/* One change of an account's record. */
#define OMNI_VALUE_PLAIN 0u  /* visible in the admin API: region, clientId, profileArn … */
#define OMNI_VALUE_SECRET 1u /* sealed at rest, masked everywhere: tokens, client secrets */
typedef struct omni_change {
  omni_str_t key;
  omni_str_t value; /* data == NULL removes the key */
  uint32_t kind;
  uint32_t reserved;
} omni_change_t;

#define OMNI_LOG_DEBUG 0u
#define OMNI_LOG_INFO 1u
#define OMNI_LOG_WARNING 2u
#define OMNI_LOG_ERROR 3u

typedef struct omni_host {
  uint32_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t reserved;
  void* context; /* pass as first argument where asked for */

  /* [any] Never pass a secret. */
  void (*log)(void* context, uint32_t level, omni_str_t message);
  /* [any] Unix time in ms, from the host's clock (virtual in tests). */
  int64_t (*now_ms)(void* context);
  /* [any] Fills with cryptographic random bytes (seeded in tests). */
  void (*random_bytes)(void* context, void* out, size_t size);
  /* [any] The plugin's own settings from the host's configuration: key without the "plugins.<id>."
   * prefix. Returns OMNI_UNSUPPORTED when it is not set. */
  omni_status_t (*setting)(void* context, omni_str_t key, const omni_writer_t* out);
  /* [any] Optional host abilities by name ("omni.xxx/1"); NULL when unknown. */
  const void* (*get_extension)(void* context, omni_str_t name);

  /* All below are [call]. */
  void (*set_error)(omni_call_t* call, const omni_error_t* error);
  uint32_t (*is_cancelled)(omni_call_t* call); /* 1: return OMNI_CANCELLED soon */
  /* Blocking HTTP through the account's own pool, proxy and TLS settings. OMNI_OK whatever the HTTP
   * status is; OMNI_FAILED after set_error(NETWORK or TIMEOUT) by the host itself; OMNI_CANCELLED.
   * A body cut short is a failure. */
  omni_status_t (*http)(omni_call_t* call, const omni_http_request_t* request,
                        const omni_http_sink_t* sink);
  /* Reads one value of the account's record; OMNI_UNSUPPORTED when there is none. Sees the newest
   * committed value. */
  omni_status_t (*get_value)(omni_call_t* call, omni_str_t key, const omni_writer_t* out);
  /* Writes all changes in one durable transaction before it returns OMNI_OK. During accounts.import
   * the record is new and becomes visible only when the method returns OMNI_OK. */
  omni_status_t (*commit)(omni_call_t* call, const omni_change_t* changes, size_t count);
  /* Single flight per account and name: waits until no other call of the same account holds it.
   * Released by unlock or at the end of the call. OMNI_CANCELLED when the call is cancelled while
   * waiting. */
  omni_status_t (*lock)(omni_call_t* call, omni_str_t name);
  void (*unlock)(omni_call_t* call, omni_str_t name);
} omni_host_t;

/* ---- The plugin
 * --------------------------------------------------------------------------------------------------------
 */
typedef struct omni_plugin omni_plugin_t; /* plugin-owned, opaque */

typedef struct omni_plugin_entry {
  uint32_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t reserved;
  const char* id;      /* NUL-terminated, [a-z][a-z0-9-]{0,31}; equal to the manifest's */
  const char* version; /* NUL-terminated, semantic version; equal to the manifest's */

  /* [main] host stays valid until deinit returns. Returns OMNI_OK and sets *plugin. */
  omni_status_t (*init)(const omni_host_t* host, omni_plugin_t** plugin);
  /* [main] After the last call has returned. */
  void (*deinit)(omni_plugin_t* plugin);

  /* [any] Sends the request upstream with the call's account and streams the answer. Blocking; runs
   * on the request's thread. OMNI_OK only after a FINISH event. */
  omni_status_t (*complete)(omni_plugin_t* plugin, omni_call_t* call, const omni_request_t* request,
                            const omni_sink_t* sink);

  /* [any] Control-plane methods: name and JSON object in, JSON object out. Known names (all
   * optional, OMNI_UNSUPPORTED): accounts.import        {...the sign-in form's members...} ->
   * {"label"?}  fills the call's (new) account via commit accounts.signin.start  {"method", ...its
   * form's members...}
   *                          ->
   * {"kind":"device","userCode","verificationUri","verificationUriComplete"?,"expiresAt":ms,
   *                              "intervalMs"} or {"kind":"browser","url","expiresAt":ms}
   *   accounts.signin.poll   {} -> {"status":"pending","intervalMs"} or
   * {"status":"complete","label"?} accounts.signin.finish {"callbackUrl"} ->
   * {"status":"complete","label"?}   the browser form's redirect The three run on one draft
   * account: what is committed is read back by the next of them. accounts.refresh       {"force":
   * bool} -> {"expiresAt": ms} accounts.isolate       {} ->
   * {"isolation","isolationReason","signInNeeded": bool} accounts.renew         {} ->
   * {"clientSecretExpiresAt": ms}   renews the client registration accounts.describe      {} ->
   * {"authMethod","isolation","isolationReason","expiresAt","clientSecretExpiresAt",...}
   *   accounts.test          {"probe": bool} -> {"checks":[{"name","ok","message"}]}
   *   accounts.usage         {} -> {"plan","items":[{"kind","limit","used","resetAt"}],...}
   *   accounts.profiles      {"select"?: arn} -> {"profiles":[{"arn","name","region","selected"}]}
   *   accounts.scan          {} -> {"found":[...]}   what lies on this machine; no side effect
   *   models.list            {} -> {"models":[{"id","name","contextWindow","maxOutput"}]}
   * A failure of kind UNSUPPORTED does not exist: return OMNI_UNSUPPORTED. */
  omni_status_t (*control)(omni_plugin_t* plugin, omni_call_t* call, omni_str_t method,
                           omni_str_t input, const omni_writer_t* output);

  /* [any] Optional abilities by name ("omni.xxx/1"); NULL when unknown. */
  const void* (*get_extension)(omni_plugin_t* plugin, omni_str_t name);
} omni_plugin_entry_t;

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* OMNIROUTE_ABI_H */
