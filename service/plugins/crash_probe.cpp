#include "service/plugins/crash_probe.hpp"

#include <omniroute/abi.h>

#include <cstring>
#include <memory>
#include <string>

#include "service/plugins/entry_check.hpp"

#ifdef _WIN32
#include <fmt/format.h>
#include <windows.h>
#else
#include <dlfcn.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace omni::plugins {

namespace {

constexpr int kPatienceMs = 20'000;

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

void tryEntry(const omni_plugin_entry_t* entry) {
  if (!entry || !checkEntry(*entry, nullptr)) return;
  const omni_host_t host = emptyHost();
  try {
    omni_plugin_t* plugin = nullptr;
    if (entry->init(&host, &plugin) == OMNI_OK && plugin) entry->deinit(plugin);
  } catch (...) {  // reported by the real load, with what the plugin says
  }
}

std::unexpected<Error> refused(std::string why) {
  return makeError(FailureKind::Unsupported,
                   "it " + std::move(why) +
                       " when it is loaded (found out in a process of its own): use another build "
                       "of the plugin");
}

#ifdef _WIN32

// Only the service's own program knows the option; a test's would run its tests again.
constexpr wchar_t kProgram[] = L"omnirouted.exe";

std::filesystem::path ownProgram() {
  std::wstring path(32'768, L'\0');
  path.resize(GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())));
  return path;
}

struct HandleCloser {
  using pointer = HANDLE;
  void operator()(HANDLE handle) const { CloseHandle(handle); }
};
using Handle = std::unique_ptr<HANDLE, HandleCloser>;

}  // namespace

void tryPlugin(const std::filesystem::path& library) {
  SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
  const HMODULE mapped = LoadLibraryExW(library.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
  if (mapped)
    tryEntry(reinterpret_cast<const omni_plugin_entry_t*>(
        reinterpret_cast<const void*>(GetProcAddress(mapped, OMNI_ENTRY_SYMBOL))));
  // Without the destructors of a library that is not trusted yet.
  TerminateProcess(GetCurrentProcess(), 0);
}

Result<> survivesLoading(const std::filesystem::path& library) {
  const std::filesystem::path program = ownProgram();
  if (CompareStringOrdinal(program.filename().c_str(), -1, kProgram, -1, TRUE) != CSTR_EQUAL)
    return {};
  // No file name holds a quote.
  std::wstring line =
      L"\"" + program.wstring() + L"\" " + kTryPlugin + L" \"" + library.wstring() + L"\"";
  STARTUPINFOW startup{};
  startup.cb = sizeof startup;
  PROCESS_INFORMATION made{};
  if (!CreateProcessW(program.c_str(), line.data(), nullptr, nullptr, FALSE, CREATE_NO_WINDOW,
                      nullptr, nullptr, &startup, &made))
    return {};  // no process to spare: no reason to refuse a plugin
  const Handle process(made.hProcess), thread(made.hThread);
  if (WaitForSingleObject(process.get(), kPatienceMs) != WAIT_OBJECT_0) {
    TerminateProcess(process.get(), 1);
    return refused("hangs");
  }
  DWORD code = 0;
  GetExitCodeProcess(process.get(), &code);
  if (code >= 0xC0000000) return refused(fmt::format("crashes ({:#x})", code));
  if (code != 0) return refused(fmt::format("ends the process (exit code {})", code));
  return {};
}

#else

constexpr long kStepMs = 2;

[[noreturn]] void tryLoading(const char* library) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_UNBLOCK, &all, nullptr);  // the service blocks those that end it
  // A handler of the parent's (a sanitizer's, a crash reporter's) would turn the crash into an
  // exit.
  for (const int crash : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::signal(crash, SIG_DFL);
  // Should the service be killed meanwhile, nobody else ends a library that hangs; and the child
  // would go on holding the lock of the data folder.
  ::signal(SIGALRM, SIG_DFL);
  ::alarm(kPatienceMs / 1000 + 10);
  void* mapped = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
  const auto* entry =
      mapped ? static_cast<const omni_plugin_entry_t*>(::dlsym(mapped, OMNI_ENTRY_SYMBOL))
             : nullptr;
  tryEntry(entry);
  ::_exit(0);
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
