#include "cli/api.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/StreamCopier.h>
#include <Poco/URI.h>
#include <fmt/format.h>

#include <istream>
#include <memory>
#include <ostream>

#include "cli/json.hpp"
#include "cli/text.hpp"

namespace omni::cli {
namespace {

namespace net = Poco::Net;
constexpr int kConnectSeconds = 5;
constexpr int kAnswerSeconds = 120;
constexpr int kStreamSeconds = 24 * 3600;

json::value parsed(const std::string& body) {
  json::error_code code;
  json::value value = json::parse(body, code);
  return code ? json::value() : value;
}

Problem refusal(const Answer& answer, std::string_view what, const std::string& base) {
  Problem problem;
  problem.status = answer.status;
  const json::value& error = at(answer.json, "error");
  problem.message = error.is_string() ? text(error) : text(error, "message");
  problem.code = text(error, "code");
  problem.field = text(error, "field");
  if (answer.status == 401 || answer.status == 403) {
    problem.exit = kNotAllowed;
    if (problem.message.empty()) problem.message = "the service does not let this caller in";
    // Not for an account whose session has ended, which is a 401 as well.
    if (problem.code == "api_key_required" || problem.code == "login_required" ||
        problem.code == "invalid_api_key") {
      while (problem.message.ends_with('.')) problem.message.pop_back();
      problem.message += ". Give a key of the scope \"admin\" with OMNIROUTE_API_KEY or --key-file";
    }
  } else if (answer.status == 404 || answer.status == 405) {
    problem.exit = kNotFound;
    // The service's own words for a path that it does not have.
    if (problem.code == "unknown_path" || answer.status == 405 || answer.json.is_null())
      problem.message = fmt::format(
          "this service is too old for {}: it answered {} ({}). Update omnirouted at {}",
          what.empty() ? "this" : what, answer.status,
          problem.message.empty() ? "nothing is at this path" : problem.message, base);
  } else if (answer.status == 409) {
    problem.exit = kConflict;
  }
  if (problem.message.empty())
    problem.message = fmt::format("the service answered {}", answer.status);
  return problem;
}

std::string headOf(std::istream& in, size_t limit) {
  std::string body;
  char buffer[16384];
  while (in && body.size() < limit) {
    in.read(buffer, sizeof buffer);
    body.append(buffer, static_cast<size_t>(in.gcount()));
  }
  return body;
}

std::unique_ptr<net::HTTPClientSession> sessionFor(const Poco::URI& uri) {
  if (uri.getScheme() != "https")
    return std::make_unique<net::HTTPClientSession>(uri.getHost(), uri.getPort());
  net::Context::Ptr context = new net::Context(net::Context::TLS_CLIENT_USE, "", "", "",
                                               net::Context::VERIFY_RELAXED, 9, true);
  return std::make_unique<net::HTTPSClientSession>(uri.getHost(), uri.getPort(), context);
}

}  // namespace

std::string escaped(std::string_view segment) {
  std::string out;
  for (unsigned char c : segment) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain)
      out += static_cast<char>(c);
    else
      out += fmt::format("%{:02X}", c);
  }
  return out;
}

Api::Api(std::string base, std::string key) : base_(std::move(base)), key_(std::move(key)) {
  while (base_.ends_with('/')) base_.pop_back();
}

Done<Answer> Api::exchange(std::string_view method, std::string_view path,
                           std::string_view content_type, std::string_view body, bool patient,
                           const Reader& read, std::string_view what,
                           std::string_view version) const {
  const auto unreachable = [&](std::string_view why) {
    return std::unexpected(Problem{kUnreachable, 0,
                                   fmt::format("no answer from {} ({}). Is omnirouted running? "
                                               "Another address: --url or OMNIROUTE_URL",
                                               base_, why),
                                   "unreachable", ""});
  };
  const auto untrusted = [&](const std::string& why) {
    return std::unexpected(Problem{
        kUnreachable, 0,
        fmt::format("the certificate of {} is not trusted ({}). When it is of an authority of your "
                    "own, or its own: SSL_CERT_FILE=<file.pem> names what to trust",
                    base_, why),
        "untrusted", ""});
  };
  try {
    const Poco::URI uri(base_);
    if ((uri.getScheme() != "http" && uri.getScheme() != "https") || uri.getHost().empty())
      return std::unexpected(Problem{
          kUsage, 0,
          fmt::format("the address \"{}\" must look like http://127.0.0.1:20128", safe(base_)),
          "bad_url", "url"});
    const auto session = sessionFor(uri);
    session->setTimeout(Poco::Timespan(kConnectSeconds, 0),
                        Poco::Timespan(patient ? kStreamSeconds : kAnswerSeconds, 0),
                        Poco::Timespan(patient ? kStreamSeconds : kAnswerSeconds, 0));
    net::HTTPRequest request(std::string(method), uri.getPath() + std::string(path),
                             net::HTTPMessage::HTTP_1_1);
    request.set("User-Agent", "omniroute/" OMNI_VERSION);
    request.set("Accept", "application/json, text/event-stream, */*");
    if (!key_.empty()) request.set("Authorization", "Bearer " + key_);
    if (!content_type.empty()) request.setContentType(std::string(content_type));
    if (!version.empty()) request.set("If-Match", fmt::format("\"{}\"", version));
    request.setContentLength(static_cast<std::streamsize>(body.size()));
    session->sendRequest(request)
        .write(body.data(), static_cast<std::streamsize>(body.size()))
        .flush();
    net::HTTPResponse response;
    std::istream& in = session->receiveResponse(response);
    Answer answer;
    answer.status = response.getStatus();
    answer.connection = response.get("x-omniroute-connection", "");
    answer.date = response.get("Date", "");
    if (answer.status < 200 || answer.status > 299) {
      answer.body = headOf(in, 1 << 20);
      answer.json = parsed(answer.body);
      return std::unexpected(refusal(answer, what, base_));
    }
    read(in, answer);
    return answer;
  } catch (const Poco::TimeoutException&) {
    return unreachable("it took too long");
  } catch (const net::CertificateValidationException& error) {
    return untrusted(error.message());
  } catch (const net::SSLException& error) {
    return error.message().contains("certificate") ? untrusted(error.message())
                                                   : unreachable(error.displayText());
  } catch (const Poco::Exception& error) {
    return unreachable(error.message().empty() ? error.displayText() : error.message());
  } catch (const std::exception& error) {
    return unreachable(error.what());
  }
}

Done<Answer> Api::call(std::string_view method, std::string_view path, const json::value* body,
                       std::string_view what, std::string_view version) const {
  return exchange(
      method, path, body ? "application/json" : "", body ? json::serialize(*body) : std::string(),
      false,
      [](std::istream& in, Answer& answer) {
        answer.body = headOf(in, 256u << 20);
        answer.json = parsed(answer.body);
      },
      what, version);
}

Done<Answer> Api::stream(std::string_view method, std::string_view path, const json::value* body,
                         const std::function<bool(std::string_view)>& on_line,
                         std::string_view what) const {
  return exchange(
      method, path, body ? "application/json" : "", body ? json::serialize(*body) : std::string(),
      true,
      [&](std::istream& in, Answer&) {
        std::string line;
        // Byte by byte: getline of a socket stream returns as soon as the line is there.
        while (std::getline(in, line)) {
          if (line.ends_with('\r')) line.pop_back();
          if (!on_line(line)) return;
        }
      },
      what);
}

Done<Answer> Api::download(std::string_view method, std::string_view path, const json::value* body,
                           std::ostream& into, std::string_view what) const {
  return exchange(
      method, path, body ? "application/json" : "", body ? json::serialize(*body) : std::string(),
      false, [&](std::istream& in, Answer&) { Poco::StreamCopier::copyStream(in, into, 65536); },
      what);
}

Done<Answer> Api::upload(std::string_view path, std::string_view content_type,
                         std::string_view body, std::string_view what) const {
  return exchange(
      "POST", path, content_type, body, false,
      [](std::istream& in, Answer& answer) {
        answer.body = headOf(in, 1 << 20);
        answer.json = parsed(answer.body);
      },
      what);
}

}  // namespace omni::cli
