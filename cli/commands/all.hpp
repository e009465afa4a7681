#pragma once
// The commands' functions, and what they share.

#include <filesystem>

#include "cli/command.hpp"
#include "cli/json.hpp"

namespace omni::cli {

// Says it on standard error (as JSON with --json) and returns the exit code.
int fail(const Session& session, const Problem& problem);
int fail(const Session& session, int exit, std::string message);
// Prints the service's answer as it is.
int printJson(const Session& session, const json::value& value);
int64_t nowMs();
// Where the program lies; set by main().
std::filesystem::path& programFolder();
// How an account of Kiro's was signed in: builder_id, idc, google, github, api_key or external_idp;
// empty: its record does not say.
std::string wayIn(const json::value& account);
// The command that signs it in anew, with the options that it needs.
std::string signInAnew(const json::value& account);
// "active" in green, "suspended" in red ...
std::string stateText(const Terminal& terminal, std::string_view state);
// "name  value" lines, values made safe; empty ones are left out.
void facts(const Terminal& terminal, const std::vector<std::pair<std::string, std::string>>& all);
// Asks before something that cannot be undone; true with --yes. Without a terminal: false, and says
// to use --yes.
bool sure(const Session& session, const std::string& question);

int runStatus(const Session&, const Invocation&);
int runHealth(const Session&, const Invocation&);
int runMetrics(const Session&, const Invocation&);
int runPlugins(const Session&, const Invocation&);
int runDoctor(const Session&, const Invocation&);
int runLogin(const Session&, const Invocation&);
int runImport(const Session&, const Invocation&);
int runProvidersList(const Session&, const Invocation&);
int runProvidersShow(const Session&, const Invocation&);
int runProvidersRename(const Session&, const Invocation&);
int runProvidersTest(const Session&, const Invocation&);
int runProvidersRefresh(const Session&, const Invocation&);
int runProvidersIsolate(const Session&, const Invocation&);
int runProvidersEnable(const Session&, const Invocation&);
int runProvidersDisable(const Session&, const Invocation&);
int runProvidersRemove(const Session&, const Invocation&);
int runCombosList(const Session&, const Invocation&);
int runCombosShow(const Session&, const Invocation&);
int runCombosCreate(const Session&, const Invocation&);
int runCombosEdit(const Session&, const Invocation&);
int runCombosDelete(const Session&, const Invocation&);
int runCombosExplain(const Session&, const Invocation&);
int runKeysList(const Session&, const Invocation&);
int runKeysChange(const Session&, const Invocation&);
int runKeysCreate(const Session&, const Invocation&);
int runKeysRemove(const Session&, const Invocation&);
int runProxiesList(const Session&, const Invocation&);
int runProxiesAdd(const Session&, const Invocation&);
int runProxiesRemove(const Session&, const Invocation&);
int runProxiesTest(const Session&, const Invocation&);
int runProxiesAssign(const Session&, const Invocation&);
int runWebhooksList(const Session&, const Invocation&);
int runWebhooksAdd(const Session&, const Invocation&);
int runWebhooksTest(const Session&, const Invocation&);
int runWebhooksDeliveries(const Session&, const Invocation&);
int runWebhooksEnable(const Session&, const Invocation&);
int runWebhooksDisable(const Session&, const Invocation&);
int runWebhooksRemove(const Session&, const Invocation&);
int runModels(const Session&, const Invocation&);
int runChat(const Session&, const Invocation&);
int runLogs(const Session&, const Invocation&);
int runBackup(const Session&, const Invocation&);
int runRestore(const Session&, const Invocation&);
int runSetup(const Session&, const Invocation&);
int runCompletion(const Session&, const Invocation&);
int runMan(const Session&, const Invocation&);

}  // namespace omni::cli
