#include "sdk/check/behaviour_checks.hpp"

#include <omniroute/testing/fake_host.hpp>

#include <functional>
#include <thread>
#include <utility>

#include "sdk/check/child.hpp"
#include "sdk/check/file_checks.hpp"
#include "sdk/check/library.hpp"

namespace omni::check {
namespace {

using sdk::toStr;
using sdk::testing::FakeCall;
using sdk::testing::FakeHost;
using sdk::testing::RecordingSink;
using sdk::testing::RequestBuilder;

std::string statusName(omni_status_t status) {
  constexpr const char* kNames[] = {"OMNI_OK",          "OMNI_CANCELLED", "OMNI_FAILED",
                                    "OMNI_UNSUPPORTED", "OMNI_INVALID",   "OMNI_INTERNAL"};
  return status < std::size(kNames) ? kNames[status] : "unknown status " + std::to_string(status);
}

// The loaded plugin with a host prepared as the options say.
struct Bench {
  const Options& options;
  const omni_plugin_entry_t* entry;
  FakeHost host{};
  omni_plugin_t* plugin = nullptr;

  void prepareHost() {
    for (const KeyValue& v : options.values) host.setValue(v.key, v.value, v.secret);
    for (const KeyValue& s : options.settings) host.setSetting(s.key, s.value);
    if (!options.answer.empty())
      host.handleHttp([answer = options.answer](const sdk::testing::RecordedRequest&) {
        sdk::testing::ScriptedAnswer scripted;
        const size_t half =
            answer.size() / 2;  // two pieces: a parser must not rely on whole answers
        scripted.pieces = {answer.substr(0, half), answer.substr(half)};
        return scripted;
      });
  }
  omni_status_t complete(FakeCall& call, const omni_request_t& request, const RecordingSink& sink) {
    call.bindToThisThread();
    const omni_status_t status = entry->complete(plugin, call.raw(), &request, sink.raw());
    call.end();
    return status;
  }
  omni_status_t control(FakeCall& call, std::string_view method, std::string_view input,
                        std::string& output) {
    const omni_writer_t writer = sdk::Host::stringWriter(output);
    call.bindToThisThread();
    const omni_status_t status =
        entry->control(plugin, call.raw(), toStr(method), toStr(input), &writer);
    call.end();
    return status;
  }
};

Finding expect(omni_status_t got, omni_status_t wanted, const std::string& what) {
  if (got == wanted) return ok();
  return failed(what + " returned " + statusName(got) + " instead of " + statusName(wanted));
}

// Runs the steps in order and stops at the first that is not ok.
Finding firstBad(std::initializer_list<std::function<Finding()>> steps) {
  for (const auto& step : steps) {
    Finding finding = step();
    if (finding.outcome != Outcome::Ok) return finding;
  }
  return ok();
}

// Whether the end of complete() keeps the rules, whatever the end is.
Finding judgeEnd(omni_status_t status, const FakeCall& call, const RecordingSink& sink) {
  if (!sink.violations().empty()) return failed(sink.violations().front());
  if (status == OMNI_OK && !sink.finish())
    return failed("complete returned OMNI_OK without a FINISH event");
  if (status == OMNI_FAILED) {
    const auto error = call.error();
    if (!error) return failed("complete returned OMNI_FAILED without set_error");
    if (error->kind > OMNI_FAILURE_NOT_FOUND)
      return failed("set_error got the unknown kind " + std::to_string(error->kind));
    if (error->message.empty()) return failed("set_error got no message for the client");
    return ok("it failed properly: " + error->message);
  }
  if (status != OMNI_OK) return failed("complete returned " + statusName(status));
  return ok();
}

const omni_request_t& simpleRequest(RequestBuilder& builder) {
  return builder.model("test-model")
      .system("Answer briefly.")
      .user("Say one two three four five.")
      .build();
}

// ---- entry and life cycle
// ---------------------------------------------------------------------------------------------

Finding checkEntry(Bench& bench) {
  const omni_plugin_entry_t& e = *bench.entry;
  if (e.struct_size < sizeof(omni_plugin_entry_t))
    return failed("struct_size is smaller than the ABI's");
  if (e.abi_major != OMNI_ABI_MAJOR) return failed("abi_major is " + std::to_string(e.abi_major));
  if (e.abi_minor > OMNI_ABI_MINOR) return failed("abi_minor is newer than this SDK's");
  if (!e.id || !isPluginId(e.id)) return failed("id is not [a-z][a-z0-9-]{0,31}");
  if (!e.version || !isSemanticVersion(e.version))
    return failed("version is not a semantic version");
  if (!bench.options.expected_id.empty() && bench.options.expected_id != e.id)
    return failed(std::string("id is \"") + e.id + "\", the manifest says \"" +
                  bench.options.expected_id + "\"");
  if (!bench.options.expected_version.empty() && bench.options.expected_version != e.version)
    return failed(std::string("version is ") + e.version + ", the manifest says " +
                  bench.options.expected_version);
  if (!e.init || !e.deinit || !e.complete || !e.control || !e.get_extension)
    return failed("a function pointer is NULL");
  return ok();
}

Finding checkInit(Bench& bench) {
  omni_plugin_t* plugin = nullptr;
  if (const auto status = bench.entry->init(bench.host.raw(), &plugin); status != OMNI_OK)
    return failed("init returned " + statusName(status));
  if (!plugin) return failed("init returned OMNI_OK and left the plugin NULL");
  bench.entry->deinit(plugin);
  return ok();
}

Finding checkInitNull(Bench& bench) {
  omni_plugin_t* plugin = nullptr;
  FakeHost tiny;
  tiny.rawForChange().struct_size = 8;
  return firstBad({
      [&] {
        return expect(bench.entry->init(nullptr, &plugin), OMNI_INVALID, "init without a host");
      },
      [&] {
        return expect(bench.entry->init(bench.host.raw(), nullptr), OMNI_INVALID,
                      "init without a place for the plugin");
      },
      [&] {
        return expect(bench.entry->init(tiny.raw(), &plugin), OMNI_INVALID,
                      "init with a host table that is too short");
      },
      [&] {
        bench.entry->deinit(nullptr);
        return ok();
      },
  });
}

Finding checkNewerHost(Bench& bench) {
  bench.host.rawForChange().abi_minor = OMNI_ABI_MINOR + 7;
  bench.host.rawForChange().struct_size += 64;
  return checkInit(bench);
}

Finding checkInitTwice(Bench& bench) {
  for (int round = 0; round < 2; ++round)
    if (Finding finding = checkInit(bench); finding.outcome != Outcome::Ok) return finding;
  omni_plugin_t* first = nullptr;
  omni_plugin_t* second = nullptr;
  if (bench.entry->init(bench.host.raw(), &first) != OMNI_OK)
    return failed("the third init was refused");
  if (bench.entry->init(bench.host.raw(), &second) == OMNI_OK) {
    if (second == first) return failed("two inits gave the same instance");
    bench.entry->deinit(second);
  }
  bench.entry->deinit(first);
  return ok();
}

// ---- arguments
// ----------------------------------------------------------------------------------------------------------

Finding checkCompleteNull(Bench& bench) {
  FakeCall call(bench.host);
  RecordingSink sink;
  RequestBuilder builder;
  const omni_request_t& request = simpleRequest(builder);
  omni_request_t short_request = request;
  short_request.struct_size = 8;
  omni_sink_t no_function = *sink.raw();
  no_function.on_event = nullptr;
  const auto complete = bench.entry->complete;
  return firstBad({
      [&] {
        return expect(complete(nullptr, call.raw(), &request, sink.raw()), OMNI_INVALID,
                      "complete without a plugin");
      },
      [&] {
        return expect(complete(bench.plugin, nullptr, &request, sink.raw()), OMNI_INVALID,
                      "complete without a call");
      },
      [&] {
        return expect(complete(bench.plugin, call.raw(), nullptr, sink.raw()), OMNI_INVALID,
                      "complete without a request");
      },
      [&] {
        return expect(complete(bench.plugin, call.raw(), &request, nullptr), OMNI_INVALID,
                      "complete without a sink");
      },
      [&] {
        return expect(complete(bench.plugin, call.raw(), &short_request, sink.raw()), OMNI_INVALID,
                      "complete with a request that is too short");
      },
      [&] {
        return expect(complete(bench.plugin, call.raw(), &request, &no_function), OMNI_INVALID,
                      "complete with a sink without on_event");
      },
  });
}

Finding checkControlNull(Bench& bench) {
  FakeCall call(bench.host);
  std::string output;
  const omni_writer_t writer = sdk::Host::stringWriter(output);
  const omni_writer_t no_function{nullptr, nullptr};
  const omni_str_t method = toStr("models.list");
  const omni_str_t input = toStr("{}");
  const auto control = bench.entry->control;
  return firstBad({
      [&] {
        return expect(control(nullptr, call.raw(), method, input, &writer), OMNI_INVALID,
                      "control without a plugin");
      },
      [&] {
        return expect(control(bench.plugin, nullptr, method, input, &writer), OMNI_INVALID,
                      "control without a call");
      },
      [&] {
        return expect(control(bench.plugin, call.raw(), method, input, nullptr), OMNI_INVALID,
                      "control without a writer");
      },
      [&] {
        return expect(control(bench.plugin, call.raw(), method, input, &no_function), OMNI_INVALID,
                      "control with a writer without write");
      },
      [&] {
        return expect(control(bench.plugin, call.raw(), {nullptr, 0}, {nullptr, 0}, &writer),
                      OMNI_UNSUPPORTED, "control with empty texts");
      },
  });
}

Finding checkExtension(Bench& bench) {
  if (bench.entry->get_extension(nullptr, toStr("omni.none/1")))
    return failed("get_extension without a plugin is not NULL");
  if (bench.entry->get_extension(bench.plugin, {nullptr, 0}))
    return failed("get_extension with an empty name is not NULL");
  if (bench.entry->get_extension(bench.plugin, toStr("omni.none/1")))
    return failed("get_extension with an unknown name is not NULL");
  return ok();
}

// ---- control
// --------------------------------------------------------------------------------------------------------------

Finding checkControlUnknown(Bench& bench) {
  FakeCall call(bench.host);
  std::string output;
  const omni_status_t status = bench.control(call, "omni.no.such.method", "{}", output);
  if (status != OMNI_UNSUPPORTED) return expect(status, OMNI_UNSUPPORTED, "an unknown method");
  return output.empty() ? ok() : failed("an unknown method wrote an answer");
}

Finding checkControlInputs(Bench& bench) {
  for (const char* method : {"accounts.import", "accounts.refresh", "accounts.describe",
                             "accounts.test", "accounts.usage", "models.list"}) {
    for (const char* input : {"{}", "", "{", "null", "[]", "{\"\\ud800\":1}", "\xff"}) {
      FakeCall call(bench.host, "new");
      std::string output;
      const omni_status_t status = bench.control(call, method, input, output);
      const std::string what = std::string(method) + " with the input '" + input + "' ";
      if (status == OMNI_INTERNAL || status == OMNI_INVALID || status > OMNI_INTERNAL)
        return failed(what + "returned " + statusName(status));
      if (status == OMNI_FAILED && !call.error())
        return failed(what + "returned OMNI_FAILED without set_error");
      if (status == OMNI_OK && (output.empty() || output.front() != '{'))
        return failed(what + "did not write a JSON object");
    }
  }
  return ok();
}

// ---- complete
// --------------------------------------------------------------------------------------------------------------

Finding checkStream(Bench& bench) {
  FakeCall call(bench.host);
  RecordingSink sink;
  RequestBuilder builder;
  const omni_status_t status = bench.complete(call, simpleRequest(builder), sink);
  return judgeEnd(status, call, sink);
}

Finding checkBadUpstream(Bench& bench) {
  for (const uint32_t status_code : {200u, 400u, 401u, 403u, 429u, 500u}) {
    bench.host.handleHttp([status_code](const sdk::testing::RecordedRequest&) {
      sdk::testing::ScriptedAnswer answer;
      answer.status = status_code;
      answer.pieces = {"\x01garb", "", std::string("\0\xff age", 6)};
      return answer;
    });
    FakeCall call(bench.host);
    RecordingSink sink;
    RequestBuilder builder;
    const omni_status_t status = bench.complete(call, simpleRequest(builder), sink);
    Finding finding = judgeEnd(status, call, sink);
    if (finding.outcome != Outcome::Ok) {
      finding.message += " (upstream answered " + std::to_string(status_code) + " with garbage)";
      return finding;
    }
  }
  return ok();
}

Finding checkWiderStructs(Bench& bench) {
  std::string texts[2];
  omni_status_t statuses[2] = {};
  for (uint32_t i = 0; i < 2; ++i) {
    FakeCall call(bench.host);
    RecordingSink sink;
    RequestBuilder builder;
    builder.system("s")
        .user("one")
        .assistant("two")
        .toolCall("c1", "t", "{}")
        .message(OMNI_ROLE_USER);
    builder.toolResult("c1", "three")
        .text("four")
        .tool("t", "d", "{}")
        .tool("u", "d", "{}")
        .widerStructs(i * 40);
    statuses[i] = bench.complete(call, builder.build(), sink);
    texts[i] = sink.text();
  }
  if (statuses[0] != statuses[1] || texts[0] != texts[1])
    return failed("the answer changes when the host's structs are longer");
  return ok();
}

Finding checkUnknownKinds(Bench& bench) {
  FakeCall call(bench.host);
  RecordingSink sink;
  omni_part_t parts[2] = {};
  parts[0].kind = 9999;
  parts[1].kind = OMNI_PART_TEXT;
  parts[1].text = toStr("hello");
  const omni_message_t message{OMNI_ROLE_USER, 0, parts, 2};
  RequestBuilder builder;
  omni_request_t request = builder.build();
  request.messages = &message;
  request.message_count = 1;
  const omni_status_t status = bench.complete(call, request, sink);
  return judgeEnd(status, call, sink);
}

Finding checkEmptyRequest(Bench& bench) {
  FakeCall call(bench.host);
  RecordingSink sink;
  RequestBuilder builder;
  const omni_status_t status = bench.complete(call, builder.model("").build(), sink);
  return judgeEnd(status, call, sink);
}

Finding checkSinkCancel(Bench& bench) {
  for (size_t after = 0; after < 8; ++after) {
    FakeCall call(bench.host);
    RecordingSink sink;
    RequestBuilder builder;
    sink.cancelAfter(after);
    const omni_status_t status = bench.complete(call, simpleRequest(builder), sink);
    if (!sink.violations().empty()) return failed(sink.violations().front());
    if (!sink.sawCancel()) {  // the answer was shorter, or there was none
      if (after == 0)
        return skipped(
            "complete sends no event with this account; give it one with --value, --secret and "
            "--answer");
      break;
    }
    if (status != OMNI_CANCELLED)
      return expect(status, OMNI_CANCELLED,
                    "complete, told OMNI_CANCELLED after " + std::to_string(after) + " events,");
  }
  return ok();
}

Finding checkCallCancel(Bench& bench) {
  FakeCall call(bench.host);
  call.cancel();
  RecordingSink sink;
  RequestBuilder builder;
  const omni_status_t status = bench.complete(call, simpleRequest(builder), sink);
  if (!sink.violations().empty()) return failed(sink.violations().front());
  if (status == OMNI_CANCELLED) return ok();
  if (status == OMNI_FAILED && call.error())
    return ok("it failed before it looked: " + call.error()->message);
  return expect(status, OMNI_CANCELLED, "complete of a cancelled call");
}

Finding checkThreads(Bench& bench) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 50;
  std::vector<std::string> problems(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds && problems[static_cast<size_t>(t)].empty(); ++i) {
        FakeCall call(bench.host, "account");
        RecordingSink sink;
        RequestBuilder builder;
        const omni_status_t status = bench.complete(call, simpleRequest(builder), sink);
        const Finding finding = judgeEnd(status, call, sink);
        if (finding.outcome == Outcome::Fail) problems[static_cast<size_t>(t)] = finding.message;
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& problem : problems)
    if (!problem.empty()) return failed(problem);
  if (bench.host.wrongThreadUses() != 0)
    return failed("a call was used from a thread other than its own");
  return ok();
}

struct Check {
  const char* id;
  Finding (*body)(Bench&);
  bool needs_plugin;
  const char* advice;
};

constexpr const char* kUseSdk =
    "Use OMNI_PLUGIN and omni::sdk::Provider, or check every argument first and return "
    "OMNI_INVALID.";
constexpr const char* kUseSetError =
    "Return OMNI_FAILED only after set_error with a kind and a message (omni::sdk::fail does it).";

constexpr Check kChecks[] = {
    {"entry.struct", checkEntry, false,
     "Let OMNI_PLUGIN build the entry, with the manifest's id and version."},
    {"init.once", checkInit, false,
     "init sets *plugin and returns OMNI_OK; whatever needs an account belongs into the calls."},
    {"init.arguments", checkInitNull, false, kUseSdk},
    {"init.newer_host", checkNewerHost, false,
     "Accept a host with a higher minor version and a longer table."},
    {"init.twice", checkInitTwice, false, "Keep all state in the instance, none in globals."},
    {"complete.arguments", checkCompleteNull, true, kUseSdk},
    {"control.arguments", checkControlNull, true, kUseSdk},
    {"extension.unknown", checkExtension, true, "Return NULL for every name you do not know."},
    {"control.unknown", checkControlUnknown, true,
     "Return OMNI_UNSUPPORTED (std::nullopt) for unknown methods."},
    {"control.inputs", checkControlInputs, true,
     "Check the input before use; report a bad one with OMNI_FAILURE_BAD_REQUEST and the field's "
     "name."},
    {"complete.stream", checkStream, true, kUseSetError},
    {"complete.bad_upstream", checkBadUpstream, true,
     "Treat every byte of the upstream as hostile; report OMNI_FAILURE_PROTOCOL or what the status "
     "says."},
    {"complete.empty_request", checkEmptyRequest, true,
     "A request may have no messages and an unknown model."},
    {"complete.wider_structs", checkWiderStructs, true,
     "Index arrays with omni::sdk::at and the request's strides, never with []."},
    {"complete.unknown_kinds", checkUnknownKinds, true,
     "Step over parts and roles you do not know: a newer host may send them."},
    {"complete.sink_cancelled", checkSinkCancel, true,
     "When an EventSink method returns false, return Failure::cancelledCall() at once."},
    {"complete.call_cancelled", checkCallCancel, true,
     "Ask call.cancelled() before work and in every loop."},
    {"complete.threads", checkThreads, true,
     "complete runs on many threads at once: share nothing that is not guarded."},
};

Finding runCheck(const Check& check, const Options& options) {
  return runApart(
      [&]() -> Finding {
        const Loaded loaded = loadPlugin(options.library);
        if (!loaded.entry) return failed("it cannot be loaded: " + loaded.error);
        Bench bench{options, loaded.entry};
        bench.prepareHost();
        if (!check.needs_plugin) return check.body(bench);
        if (bench.entry->init(bench.host.raw(), &bench.plugin) != OMNI_OK || !bench.plugin)
          return skipped("init failed");
        Finding finding = check.body(bench);
        bench.entry->deinit(bench.plugin);
        return finding;
      },
      options.timeout_ms);
}

}  // namespace

void checkBehaviour(const Options& options, Report& report) {
  Finding load = runApart(
      [&]() -> Finding {
        const Loaded loaded = loadPlugin(options.library);
        return loaded.entry ? ok() : failed(loaded.error);
      },
      options.timeout_ms);
  const bool loads = load.outcome == Outcome::Ok;
  report.add("load", std::move(load),
             "Link everything the plugin needs into it (-Wl,-z,defs shows what is missing) and end "
             "one source file with "
             "OMNI_PLUGIN(...).");
  if (!loads) return;
  for (const Check& check : kChecks) {
    Finding finding = runCheck(check, options);
    // Everything else calls through the entry, so a bad one is the end.
    const bool stop = check.body == checkEntry && finding.outcome == Outcome::Fail;
    report.add(check.id, std::move(finding), check.advice);
    if (stop) return;
  }
}

}  // namespace omni::check
