#pragma once
// Export and import over fakes.

#include "fake_proxies.hpp"
#include "service/admin/transfer.hpp"

namespace omni::admin::testing {

// A cipher whose bundles can be looked into.
struct OpenCipher final : BundleCipher {
  Result<std::string> seal(std::string_view plaintext, std::string_view passphrase) override {
    if (passphrase != "the passphrase")
      return makeError(FailureKind::BadRequest, "short", "passphrase");
    last = plaintext;
    return boost::json::serialize(boost::json::object{{"sealed", plaintext}});
  }
  Result<std::string> open(std::string_view envelope, std::string_view passphrase) override {
    if (passphrase != "the passphrase")
      return makeError(FailureKind::BadRequest, "wrong", "passphrase");
    return std::string(boost::json::parse(envelope).as_object().at("sealed").as_string());
  }
  std::string last;
};

struct PlainFields final : LegacyFields {
  bool sealed(std::string_view field) const override { return field.starts_with("enc:"); }
  Result<std::vector<Result<std::string>>> open(const std::vector<std::string>& fields,
                                                std::string_view key) const override {
    std::vector<Result<std::string>> out;
    for (const std::string& field : fields) {
      if (!sealed(field))
        out.emplace_back(field);
      else if (key == "right")
        out.emplace_back(field.substr(4));
      else
        out.emplace_back(makeError(FailureKind::BadRequest, "cannot be decrypted"));
    }
    return out;
  }
};

struct Rows final : ForeignDatabase {
  std::vector<ForeignRow> rows;
  Result<std::vector<ForeignRow>> read(std::string_view) override { return rows; }
};

struct Assigner final : ProxyAssigner {
  explicit Assigner(FakeProxies& given) : proxies(given) {}
  FakeProxies& proxies;
  Result<> assign(std::string_view id, std::string_view proxy) override {
    return proxies.assign({ProxyScope::Connection, std::string(id), std::string(proxy)});
  }
  Result<> unassign(std::string_view id) override {
    return proxies.unassign(ProxyScope::Connection, id);
  }
  Result<std::optional<std::string>> assigned(std::string_view) override { return std::nullopt; }
};

struct TransferWorld : ProxyWorld {
  OpenCipher cipher;
  PlainFields fields;
  Rows database;
  Assigner assigner{proxies};
  TransferWorld() {
    addTransferRoutes(table, {.accounts = directory,
                              .providers = providers,
                              .proxies = proxies,
                              .assigner = assigner,
                              .bundles = cipher,
                              .fields = fields,
                              .databases = database,
                              .clock = clock,
                              .audit = &audit,
                              .combos = &combos,
                              .combos_changed = [this] { ++combo_changes; }});
  }
};

}  // namespace omni::admin::testing
