/* Optional plugin ability "omni.local-scan/1": finds accounts of other tools on the machine and
 * reads one of them.
 *
 * Got with omni_plugin_entry_t::get_extension(plugin, "omni.local-scan/1"); the struct lives as
 * long as the plugin. It needs no account and no omni_call_t, so that a program of the user (the
 * command line) can ask it in the user's own context: a service runs as another user and cannot
 * read people's homes. Nothing is written, no network is used, and the owner of a database is never
 * blocked.
 *
 * Threads: [any], concurrently. Ownership: as in abi.h; answers go through the writer, which is not
 * called again after the function has returned.
 */
#ifndef OMNIROUTE_LOCAL_SCAN_H
#define OMNIROUTE_LOCAL_SCAN_H

#include <omniroute/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OMNI_LOCAL_SCAN "omni.local-scan/1"

typedef struct omni_local_scan {
  uint32_t struct_size;
  uint32_t reserved;

  /* Where to look: a JSON object, all members optional, empty text for "{}". What is left out is
   * this process's own.
   *   {"platform":  "linux" | "macos" | "windows" | "wsl",
   *    "home":      "/home/ada",
   *    "env":       {"XDG_DATA_HOME": "..."},        replaces the process's environment
   *    "windowsUsers": "/mnt/c/Users",               wsl: where Windows keeps its homes
   *    "wslShare":  "\\\\wsl$"}                      windows: where distributions show their files
   * Answer:
   *   {"found": [{"id", "kind": "kiro-cli"|"amazon-q"|"kiro-ide"|"sso-cache", "file", "entry",
   * "label", "authMethod", "provider", "region", "profileArn", "expiresAt": ms|null, "expired":
   * bool, "fingerprint", "registration": "own"|"shared"|"missing", "registrationExpiresAt":
   * ms|null, "clientId", "importable": bool, "note", "alsoIn": [file...]}], "problems": [{"file",
   * "message"}],            sources that are there but could not be read "searched": [file...]} No
   * member of it is a secret. `id` stays the same as long as the account stays where it is.
   * `fingerprint` is the SHA-256 of the refresh token in lower-case hex. OMNI_INVALID for roots
   * that are no such object. */
  omni_status_t (*scan)(omni_plugin_t* plugin, omni_str_t roots, const omni_writer_t* out);

  /* One found account with its secrets, as the member "account" of accounts.import's "source" takes
   * it:
   *   {"authMethod", "provider", "region", "refreshToken", "accessToken", "expiresAt",
   * "profileArn", "startUrl", "clientId", "clientSecret", "clientSecretExpiresAt", "tokenEndpoint",
   * "issuerUrl", "scopes"} with what is not known left out. OMNI_FAILED writes {"message"} instead:
   * the account is not there any more, or its source cannot be read now. */
  omni_status_t (*read)(omni_plugin_t* plugin, omni_str_t roots, omni_str_t id,
                        const omni_writer_t* out);
} omni_local_scan_t;

#ifdef __cplusplus
}
#endif
#endif /* OMNIROUTE_LOCAL_SCAN_H */
