#include "plugins/openai/provider.hpp"

#include <fmt/format.h>

#include "plugins/openai/account.hpp"
#include "plugins/openai/import.hpp"
#include "plugins/openai/reply.hpp"
#include "plugins/openai/request_body.hpp"
#include "plugins/openai/upstream_error.hpp"

namespace omni::openai_upstream {
namespace {

constexpr size_t kMaxErrorBody = 64u << 10;
constexpr size_t kMaxWholeBody = 16u << 20;

bool mentions(const sdk::Failure& failure, std::string_view what) {
  return failure.kind == OMNI_FAILURE_BAD_REQUEST && failure.upstream_status >= 400 &&
         failure.message.find(what) != std::string::npos;
}

// A server may refuse a member by name before it does any work; then the request is put in its own
// dialect. False: there is nothing left to change.
bool adapt(Dialect& dialect, const sdk::Failure& failure) {
  if (dialect.stream_options && mentions(failure, "stream_options")) {
    dialect.stream_options = false;
    return true;
  }
  if (!dialect.max_completion_tokens && mentions(failure, "max_completion_tokens")) {
    dialect.max_completion_tokens = true;
    return true;
  }
  return false;
}

sdk::Result<> send(sdk::Call& call, const Account& account, std::string body,
                   sdk::EventSink& sink) {
  sdk::HttpRequest request;
  request.url = account.base_url + "/chat/completions";
  request.headers = account.headers;
  request.headers.push_back({"Content-Type", "application/json"});
  request.headers.push_back({"Accept", "text/event-stream"});
  request.body = body;
  Reply reply(call, sink);
  sdk::HttpResponse head;
  bool whole = false;
  auto done = call.http(
      request,
      [&](const sdk::HttpResponse& response) -> sdk::Result<> {
        head = response;
        whole = response.header("content-type").starts_with("application/json");
        if (head.status == 200) {  // refusals, after which it is asked anew, have another status
          std::string().swap(body);
          sink.requestDone();
        }
        return {};
      },
      [&](std::string_view bytes) -> sdk::Result<> {
        if (head.status == 200 && !whole) return reply.feed(bytes);
        const size_t limit = head.status == 200 ? kMaxWholeBody : kMaxErrorBody;
        if (head.status == 200 && head.body.size() + bytes.size() > limit)
          return sdk::fail(OMNI_FAILURE_PROTOCOL, "the upstream's answer is too large");
        head.body.append(bytes.substr(0, limit - std::min(limit, head.body.size())));
        return {};
      });
  if (!done) return done;
  if (head.status != 200) return std::unexpected(httpFailure(head));
  if (whole)
    if (auto read = reply.whole(head.body); !read) return read;
  return reply.finish();
}

}  // namespace

sdk::Result<> OpenAiProvider::complete(sdk::Call& call, const omni_request_t& request,
                                       sdk::EventSink& sink) {
  if (call.cancelled()) return std::unexpected(sdk::Failure::cancelledCall());
  auto account = readAccount(call);
  if (!account) return std::unexpected(std::move(account.error()));
  std::string model(sdk::toView(request.model));
  if (model.empty() || model == "auto") {  // the client named only the account
    auto chosen = chooseModel(call, *account);
    if (!chosen) return std::unexpected(std::move(chosen.error()));
    model = std::move(*chosen);
  }
  Dialect dialect;
  for (;;) {
    auto done = send(call, *account, requestBody(request, model, dialect), sink);
    if (done || done.error().cancelled || !adapt(dialect, done.error())) return done;
    host_.log(OMNI_LOG_DEBUG, "the server refused a member; asking again without it");
  }
}

sdk::Result<std::optional<std::string>> OpenAiProvider::control(sdk::Call& call,
                                                                std::string_view method,
                                                                std::string_view input) {
  sdk::Result<std::string> answer;
  if (method == "accounts.import")
    answer = importAccount(call, input);
  else if (method == "accounts.describe")
    answer = describeAccount(call);
  else if (method == "accounts.test")
    answer = testAccount(call, input);
  else if (method == "models.list")
    answer = listModels(call);
  else
    return std::nullopt;
  if (!answer) return std::unexpected(std::move(answer.error()));
  return std::optional(std::move(*answer));
}

}  // namespace omni::openai_upstream
