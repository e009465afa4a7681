#include "service/plugins/call.hpp"

#include <fmt/format.h>

#include <utility>

namespace omni::plugins {

void HostContext::log(LogLevel level, std::string_view message) const noexcept {
  try {
    if (deps.log) deps.log(level, plugin, message);
  } catch (...) {
    // A log that fails must not fail the request.
  }
}

void HostContext::misbehaved(std::string_view what) const noexcept {
  try {
    log(LogLevel::Error, "plugin misbehaved: " + std::string(what));
  } catch (...) {  // as for log()
  }
}

}  // namespace omni::plugins

omni_call::omni_call(omni::plugins::HostContext& context, omni::plugins::AccountRecord& account,
                     const omni::CancelToken& outer)
    : host(context), record(account), token(*this, outer) {}

omni_call::~omni_call() {
  for (const std::string& name : locks) host.locks.release(name);
}

bool omni_call::usable(const char* service) const noexcept {
  if (std::this_thread::get_id() == thread_) return true;
  try {
    host.misbehaved(fmt::format("{} was called from another thread than the call's", service));
  } catch (...) {  // it is refused, whether that can be said or not
  }
  return false;
}

bool omni_call::cancelled() noexcept {
  try {
    if (token.cancelled()) told_cancelled = true;
  } catch (...) {  // a token that cannot say is asked again
  }
  return told_cancelled;
}

omni_status_t omni_call::failed(omni::Error why) {
  if (why.kind == omni::FailureKind::Cancelled) {
    told_cancelled = true;
    return OMNI_CANCELLED;
  }
  if (!why.conflict_id.empty()) conflict_id = why.conflict_id;
  error = std::move(why);
  return OMNI_FAILED;
}

void omni_call::release() {
  if (std::exchange(holding, false)) sink->release();
}

omni::Result<> omni_call::finish(omni_status_t status, std::string_view what) {
  using omni::FailureKind;
  using omni::makeError;
  auto misbehaved = [&](std::string_view how) {
    host.misbehaved(fmt::format("{} {}", what, how));
    return makeError(
        FailureKind::Internal,
        fmt::format("the provider plugin \"{}\" made an error; see the log", host.plugin));
  };
  switch (status) {
    case OMNI_OK:
      return {};
    case OMNI_CANCELLED:
      if (told_cancelled || cancelled())
        return makeError(FailureKind::Cancelled, "the request was cancelled");
      return misbehaved("returned CANCELLED, but nothing was cancelled");
    case OMNI_FAILED:
      if (!error) return misbehaved("failed without saying why");
      if (error->message.empty())
        error->message = fmt::format("the provider \"{}\" failed", host.plugin);
      if (error->kind == FailureKind::Conflict && error->conflict_id.empty())
        error->conflict_id = conflict_id;
      return std::unexpected(*error);
    case OMNI_UNSUPPORTED:
      return makeError(FailureKind::Unsupported,
                       fmt::format("the provider \"{}\" does not support this", host.plugin));
    case OMNI_INVALID:
      return misbehaved("refused its arguments");
    case OMNI_INTERNAL:
      return misbehaved("had an internal error");
    default:
      return misbehaved(fmt::format("returned the unknown status {}", status));
  }
}
