#include "service/platform/windows_install.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "service/platform/windows_access.hpp"
#include "service/platform/windows_service.hpp"
#include "service/platform/windows_text.hpp"

namespace omni::platform {
namespace {

namespace fs = std::filesystem;

// Made by the system for the service alone: it has no password, no profile that others use, and no
// rights beyond those of a user.
constexpr wchar_t kAccount[] = L"NT SERVICE\\OmniRoute";
constexpr wchar_t kDisplayName[] = L"OmniRoute Service";
constexpr wchar_t kDescription[] =
    L"Keeps accounts of AI providers signed in side by side and serves them on one local address.";
constexpr wchar_t kSourceKey[] =
    L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\OmniRoute";

struct ServiceCloser {
  using pointer = SC_HANDLE;
  void operator()(SC_HANDLE handle) const { CloseServiceHandle(handle); }
};
using Service = std::unique_ptr<SC_HANDLE, ServiceCloser>;

std::unexpected<Error> failed(const std::string& step, DWORD code) {
  std::string message = step + " failed: " + systemMessage(code);
  if (code == ERROR_ACCESS_DENIED) message += ". Run this as an administrator";
  if (code == ERROR_SERVICE_MARKED_FOR_DELETE)
    message += ". Close the Services window and other tools that show it, and try again";
  return makeError(FailureKind::Unavailable, message + ".");
}

// As CommandLineToArgvW reads it: backslashes count only before a quote.
std::wstring quoted(const std::wstring& argument) {
  std::wstring out = L"\"";
  size_t backslashes = 0;
  for (const wchar_t c : argument) {
    if (c == L'"') out.append(backslashes + 1, L'\\');
    backslashes = c == L'\\' ? backslashes + 1 : 0;
    out += c;
  }
  return out.append(backslashes, L'\\') + L'"';
}

std::wstring commandLine(const ServiceSetup& setup) {
  std::wstring line = quoted(setup.program.wstring()) + L" --service";
  for (const std::string& argument : setup.arguments) line += L" " + quoted(wide(argument));
  return line;
}

// What follows --service in the command line that the service has. Empty also when it cannot be
// read.
std::optional<std::wstring> presentArguments(SC_HANDLE service) {
  DWORD size = 0;
  QueryServiceConfigW(service, nullptr, 0, &size);
  // Aligned as the structure at its beginning asks for.
  std::vector<std::max_align_t> buffer(size / sizeof(std::max_align_t) + 1);
  auto* config = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer.data());
  if (!QueryServiceConfigW(service, config,
                           static_cast<DWORD>(buffer.size() * sizeof(std::max_align_t)), &size))
    return std::nullopt;
  const std::wstring_view line = config->lpBinaryPathName;
  constexpr std::wstring_view kMark = L"\" --service";
  const size_t at = line.find(kMark);
  if (at == std::wstring_view::npos) return std::nullopt;
  return std::wstring(line.substr(at + kMark.size()));
}

Result<> configure(SC_HANDLE service, const ServiceSetup& setup) {
  SERVICE_DESCRIPTIONW description{const_cast<wchar_t*>(kDescription)};
  SERVICE_DELAYED_AUTO_START_INFO delayed{TRUE};
  // Its own identity on access lists, so that files can be opened to this service and no other.
  SERVICE_SID_INFO sid{SERVICE_SID_TYPE_UNRESTRICTED};
  // Two strings, the second one empty: the end of the list.
  wchar_t privileges[] = L"SeChangeNotifyPrivilege\0";
  SERVICE_REQUIRED_PRIVILEGES_INFOW required{privileges};
  SERVICE_PRESHUTDOWN_INFO preshutdown{static_cast<DWORD>(setup.preshutdown_s) * 1000};
  SC_ACTION again[] = {
      {SC_ACTION_RESTART, 2'000}, {SC_ACTION_RESTART, 10'000}, {SC_ACTION_RESTART, 60'000}};
  SERVICE_FAILURE_ACTIONSW recovery{24 * 60 * 60, nullptr, nullptr, 3, again};
  // Only a process that ended without a word is started again: a bad configuration would stay bad.
  SERVICE_FAILURE_ACTIONS_FLAG on_crash_only{FALSE};
  const struct {
    DWORD level;
    void* value;
    const char* name;
    bool needed;
  } steps[] = {
      {SERVICE_CONFIG_DESCRIPTION, &description, "the description", false},
      {SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &delayed, "the delayed start", false},
      {SERVICE_CONFIG_SERVICE_SID_INFO, &sid, "the service's identity", true},
      {SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &required, "the list of privileges", true},
      {SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown, "the time for a shutdown", false},
      {SERVICE_CONFIG_FAILURE_ACTIONS, &recovery, "the recovery actions", true},
      {SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &on_crash_only, "the recovery actions", false}};
  for (const auto& step : steps) {
    if (ChangeServiceConfig2W(service, step.level, step.value)) continue;
    const DWORD code = GetLastError();
    // Wine knows few of these levels and says so with one of two codes; Windows knows all of them.
    const bool unknown = code == ERROR_INVALID_LEVEL || code == ERROR_CALL_NOT_IMPLEMENTED;
    if (step.needed && !unknown) return failed(std::string("Setting ") + step.name, code);
  }
  return {};
}

Result<> registerSource(const fs::path& program) {
  HKEY key = nullptr;
  if (const LSTATUS code = RegCreateKeyExW(HKEY_LOCAL_MACHINE, kSourceKey, 0, nullptr, 0,
                                           KEY_SET_VALUE, nullptr, &key, nullptr))
    return failed("Registering the source of events", static_cast<DWORD>(code));
  const std::wstring file = program.wstring();
  RegSetValueExW(key, L"EventMessageFile", 0, REG_EXPAND_SZ,
                 reinterpret_cast<const BYTE*>(file.c_str()),
                 static_cast<DWORD>((file.size() + 1) * sizeof(wchar_t)));
  const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
  RegSetValueExW(key, L"TypesSupported", 0, REG_DWORD, reinterpret_cast<const BYTE*>(&types),
                 sizeof types);
  RegCloseKey(key);
  return {};
}

// The account's identifier exists only once the service does.
Sid accountSid() {
  std::vector<unsigned char> sid(SECURITY_MAX_SID_SIZE);
  DWORD size = static_cast<DWORD>(sid.size()), domain_size = 256;
  wchar_t domain[256];
  SID_NAME_USE use;
  if (!LookupAccountNameW(nullptr, kAccount, sid.data(), &size, domain, &domain_size, &use))
    return {};
  sid.resize(size);
  return sid;
}

Result<> makeDataDir(const fs::path& dir) {
  std::error_code code;
  fs::create_directories(dir.parent_path(), code);
  if (code)
    return makeError(FailureKind::Unavailable,
                     "The data folder " + dir.string() + " cannot be made: " + code.message());
  PrivateAccess access(accountSid());
  // Closed from the beginning where it is new; closed now where it is not.
  DWORD refused = access.error();
  if (refused == 0 && !CreateDirectoryW(dir.c_str(), access.attributes())) {
    refused = GetLastError();
    if (refused == ERROR_ALREADY_EXISTS) refused = access.set(dir.wstring());
  }
  if (refused != 0)
    return failed("Closing the data folder " + dir.string() + " to others", refused);
  return {};
}

Result<Service> openManager() {
  Service manager(OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE));
  if (!manager) return failed("Opening the list of services", GetLastError());
  return manager;
}

// An error code of Windows, 0: done.
DWORD removeTree(const fs::path& path, DWORD attributes) {
  if (!(attributes & FILE_ATTRIBUTE_DIRECTORY)) {
    if (attributes & FILE_ATTRIBUTE_READONLY)
      SetFileAttributesW(path.c_str(), FILE_ATTRIBUTE_NORMAL);
    return DeleteFileW(path.c_str()) ? 0 : GetLastError();
  }
  if (!(attributes & FILE_ATTRIBUTE_REPARSE_POINT)) {
    WIN32_FIND_DATAW found;
    const HANDLE search = FindFirstFileW((path / L"*").c_str(), &found);
    if (search == INVALID_HANDLE_VALUE) return GetLastError();
    DWORD failure = 0;
    do {
      const std::wstring_view name = found.cFileName;
      if (name == L"." || name == L"..") continue;
      failure = removeTree(path / name, found.dwFileAttributes);
    } while (failure == 0 && FindNextFileW(search, &found));
    FindClose(search);
    if (failure != 0) return failure;
  }
  return RemoveDirectoryW(path.c_str()) ? 0 : GetLastError();
}

void stopAndWait(SC_HANDLE service) {
  SERVICE_STATUS status{};
  if (!ControlService(service, SERVICE_CONTROL_STOP, &status)) return;
  for (int i = 0; i < 300; ++i) {
    SERVICE_STATUS_PROCESS now{};
    DWORD size = 0;
    if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&now),
                              sizeof now, &size) ||
        now.dwCurrentState == SERVICE_STOPPED)
      return;
    Sleep(100);
  }
}

}  // namespace

Result<> installService(const ServiceSetup& setup) {
  auto manager = openManager();
  if (!manager) return std::unexpected(manager.error());
  std::wstring line = commandLine(setup);
  Service service(CreateServiceW(manager->get(), kServiceName, kDisplayName, SERVICE_ALL_ACCESS,
                                 SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                 SERVICE_ERROR_NORMAL, line.c_str(), nullptr, nullptr, L"Tcpip\0",
                                 kAccount, nullptr));
  if (!service && GetLastError() == ERROR_SERVICE_EXISTS) {
    service.reset(OpenServiceW(manager->get(), kServiceName, SERVICE_ALL_ACCESS));
    if (!service) return failed("Opening the service", GetLastError());
    if (setup.keep_arguments)
      if (const auto present = presentArguments(service.get()))
        line = quoted(setup.program.wstring()) + L" --service" + *present;
    if (!ChangeServiceConfigW(service.get(), SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                              SERVICE_ERROR_NORMAL, line.c_str(), nullptr, nullptr, L"Tcpip\0",
                              kAccount, nullptr, kDisplayName))
      return failed("Changing the service", GetLastError());
  }
  if (!service) return failed("Making the service", GetLastError());
  if (auto done = configure(service.get(), setup); !done) return done;
  if (auto done = registerSource(setup.program); !done) return done;
  return makeDataDir(setup.data_dir);
}

Result<> removeService() {
  auto manager = openManager();
  if (!manager) return std::unexpected(manager.error());
  Service service(OpenServiceW(manager->get(), kServiceName, SERVICE_ALL_ACCESS));
  if (!service) {
    const DWORD code = GetLastError();
    if (code == ERROR_SERVICE_DOES_NOT_EXIST)
      return makeError(FailureKind::NotFound, "There is no service OmniRoute.");
    return failed("Opening the service", code);
  }
  stopAndWait(service.get());
  if (!DeleteService(service.get())) return failed("Removing the service", GetLastError());
  RegDeleteKeyW(HKEY_LOCAL_MACHINE, kSourceKey);
  return {};
}

Result<> removeFolder(const fs::path& folder) {
  const DWORD attributes = GetFileAttributesW(folder.c_str());
  if (attributes == INVALID_FILE_ATTRIBUTES) return {};
  if (const DWORD code = removeTree(folder, attributes))
    return failed("Removing " + folder.string(), code);
  return {};
}

}  // namespace omni::platform
