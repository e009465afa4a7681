#include "service/config/key_table.hpp"

#include <array>
#include <cctype>

namespace omni::config {
namespace {

constexpr std::array kKeys = {
    KeySpec{"server.address", KeyKind::Text, "127.0.0.1", "",
            "Address to listen on. Others than loopback need an admin password and an API key."},
    KeySpec{"server.port", KeyKind::Integer, "20128", "0..65535", "Port; 0 takes a free one."},
    KeySpec{"server.tls.certificate", KeyKind::Text, "", "",
            "PEM file with the certificate chain. With it, a second listener speaks TLS."},
    KeySpec{"server.tls.key", KeyKind::Text, "", "",
            "PEM file with the certificate's private key, without a passphrase."},
    KeySpec{"server.tls.address", KeyKind::Text, "", "",
            "Address of the TLS listener. Default: server.address."},
    KeySpec{"server.tls.port", KeyKind::Integer, "20129", "0..65535",
            "Port of the TLS listener; 0 takes a free one."},
    KeySpec{"server.allowedHosts", KeyKind::List, "", "",
            "Further host names (comma-separated) that a request's Host header may name."},
    KeySpec{"server.maxStreams", KeyKind::Integer, "1024", "1..20000",
            "How many inference requests may run at once."},
    KeySpec{"server.maxAdmin", KeyKind::Integer, "16", "2..1000",
            "Threads kept free for the admin API, health and pages."},
    KeySpec{"server.maxQueued", KeyKind::Integer, "256", "1..100000",
            "Connections that may wait for a thread."},
    KeySpec{"server.sendTimeoutSeconds", KeyKind::Integer, "30", "1..3600",
            "A client that reads nothing for so long is cut off."},
    KeySpec{"server.drainSeconds", KeyKind::Integer, "20", "0..3600",
            "How long running requests may go on after a stop is asked for."},
    KeySpec{"data.dir", KeyKind::Text, "", "",
            "Folder of the database and the key. Default: systemd's state directory, else the "
            "user's data folder."},
    KeySpec{"data.masterKeyFile", KeyKind::Text, "", "",
            "Key file that seals all secrets. Default: systemd credential master.key, else "
            "<data.dir>/master.key."},
    KeySpec{
        "plugins.dir", KeyKind::Text, "", "",
        "Folder of the provider plugins. Default: beside the program, else the installed folder."},
    KeySpec{"upstream.caFile", KeyKind::Text, "", "",
            "Further trusted certificate authorities (PEM) for calls to providers."},
    KeySpec{"proxies.testUrls", KeyKind::List,
            "https://checkip.amazonaws.com/,https://api64.ipify.org/?format=json,"
            "https://oidc.us-east-1.amazonaws.com/",
            "",
            "Addresses (comma-separated) that a test of a proxy may ask for; the first is asked "
            "when none is named."},
    KeySpec{"access.requireKey", KeyKind::Choice, "remote", "remote|always",
            "Who needs an API key for inference: callers from other machines, or everybody."},
    KeySpec{"access.passwordFile", KeyKind::Text, "", "",
            "File with the first admin password; read at start while none is set."},
    KeySpec{"access.keyFile", KeyKind::Text, "", "",
            "File with a first API key (sk-omni-...); read at start while there is no key."},
    KeySpec{"requests.keepDays", KeyKind::Integer, "30", "1..3650",
            "How long single requests stay in the log. Daily sums stay 400 days."},
    KeySpec{"requests.keepRows", KeyKind::Integer, "1000000", "1000..100000000",
            "How many requests the log holds at most."},
    KeySpec{"requests.content", KeyKind::Choice, "off", "off|on",
            "Whether what is said (the request's body, the answer's text) is kept, sealed, with "
            "the log. Off: the next start drops what was kept."},
    KeySpec{"requests.contentKiB", KeyKind::Integer, "64", "1..4096",
            "How much of a body, and of an answer, is kept; longer ones are cut."},
    KeySpec{"requests.contentKeepDays", KeyKind::Integer, "3", "1..3650",
            "How long what was said stays."},
    KeySpec{"requests.contentKeepRows", KeyKind::Integer, "5000", "10..10000000",
            "Of how many requests what was said is kept at most."},
    KeySpec{"log.level", KeyKind::Choice, "info", "debug|info|warning|error",
            "Least level that is logged."},
    KeySpec{"log.format", KeyKind::Choice, "json", "json|text",
            "One JSON object a line, or plain text."},
    KeySpec{"log.file", KeyKind::Text, "", "", "Log file; empty: standard error."},
};

}  // namespace

std::span<const KeySpec> keyTable() {
  return kKeys;
}

const KeySpec* findKey(std::string_view key) {
  for (const KeySpec& spec : kKeys)
    if (spec.key == key) return &spec;
  return nullptr;
}

std::string environmentName(std::string_view key) {
  std::string name = "OMNIROUTE_";
  for (char c : key) {
    if (c == '.') {
      name += '_';
    } else {
      if (std::isupper(static_cast<unsigned char>(c))) name += '_';
      name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return name;
}

}  // namespace omni::config
