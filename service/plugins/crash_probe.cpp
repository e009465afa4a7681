#include "service/plugins/crash_probe.hpp"

#include <omniroute/abi.h>

#include "service/plugins/entry_check.hpp"

#ifndef _WIN32
#include <dlfcn.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#endif

namespace omni::plugins {

#ifdef _WIN32

Result<> survivesLoading(const std::filesystem::path&) {
  return {};
}

#else

namespace {

constexpr int kPatienceMs = 20'000;
constexpr long kStepMs = 2;

// A host that knows nothing, so that a plugin's trial run has no effect outside the child.
omni_host_t emptyHost() {
  omni_host_t host{};
  host.struct_size = sizeof(host);
  host.abi_major = OMNI_ABI_MAJOR;
  host.abi_minor = OMNI_ABI_MINOR;
  host.log = [](void*, uint32_t, omni_str_t) {};
  host.now_ms = [](void*) -> int64_t { return 0; };
  host.random_bytes = [](void*, void* out, size_t size) { std::memset(out, 0, size); };
  host.setting = [](void*, omni_str_t, const omni_writer_t*) -> omni_status_t {
    return OMNI_UNSUPPORTED;
  };
  host.get_extension = [](void*, omni_str_t) -> const void* { return nullptr; };
  host.set_error = [](omni_call_t*, const omni_error_t*) {};
  host.is_cancelled = [](omni_call_t*) -> uint32_t { return 1; };
  host.http = [](omni_call_t*, const omni_http_request_t*,
                 const omni_http_sink_t*) -> omni_status_t { return OMNI_INVALID; };
  host.get_value = [](omni_call_t*, omni_str_t, const omni_writer_t*) -> omni_status_t {
    return OMNI_INVALID;
  };
  host.commit = [](omni_call_t*, const omni_change_t*, size_t) -> omni_status_t {
    return OMNI_INVALID;
  };
  host.lock = [](omni_call_t*, omni_str_t) -> omni_status_t { return OMNI_INVALID; };
  host.unlock = [](omni_call_t*, omni_str_t) {};
  return host;
}

[[noreturn]] void tryLoading(const char* library) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_UNBLOCK, &all, nullptr);  // the service blocks those that end it
  // A handler of the parent's (a sanitizer's, a crash reporter's) would turn the crash into an
  // exit.
  for (const int crash : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::signal(crash, SIG_DFL);
  void* mapped = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
  const auto* entry =
      mapped ? static_cast<const omni_plugin_entry_t*>(::dlsym(mapped, OMNI_ENTRY_SYMBOL))
             : nullptr;
  if (entry && checkEntry(*entry, nullptr)) {
    const omni_host_t host = emptyHost();
    try {
      omni_plugin_t* plugin = nullptr;
      if (entry->init(&host, &plugin) == OMNI_OK && plugin) entry->deinit(plugin);
    } catch (...) {  // reported by the real load, with what the plugin says
    }
  }
  ::_exit(0);
}

std::unexpected<Error> refused(std::string why) {
  return makeError(FailureKind::Unsupported,
                   "it " + std::move(why) +
                       " when it is loaded (found out in a process of its own): use another build "
                       "of the plugin");
}

}  // namespace

Result<> survivesLoading(const std::filesystem::path& library) {
  const std::string path = library.string();
  const pid_t child = ::fork();
  if (child < 0) return {};  // no process to spare: no reason to refuse a plugin
  if (child == 0) tryLoading(path.c_str());
  int status = 0;
  for (int waited = 0;; waited += kStepMs) {
    const pid_t done = ::waitpid(child, &status, WNOHANG);
    if (done == child) break;
    if (done < 0 && errno != EINTR) return {};
    if (waited > kPatienceMs) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return refused("hangs");
    }
    const timespec pause{0, kStepMs * 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
  if (WIFSIGNALED(status))
    return refused("crashes (signal " + std::to_string(WTERMSIG(status)) + ")");
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
    return refused("ends the process (exit code " + std::to_string(WEXITSTATUS(status)) + ")");
  return {};
}

#endif

}  // namespace omni::plugins
