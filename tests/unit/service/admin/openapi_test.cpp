// docs/api/openapi.yaml names exactly the routes there are.

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "access_fakes.hpp"
#include "fake_backups.hpp"
#include "fake_transfer.hpp"
#include "fake_webhooks.hpp"
#include "fakes.hpp"
#include "service/admin/backup.hpp"
#include "service/admin/metrics.hpp"
#include "service/admin/webhooks.hpp"
#include "service/http/doors.hpp"

namespace omni::admin::testing {
namespace {

struct NoBackend final : ChatBackend {
  Result<> complete(const chat::ChatRequest&, chat::EventSink&, const CancelToken&,
                    RouteReport&) override {
    return {};
  }
  Result<std::vector<ModelEntry>> models() override { return std::vector<ModelEntry>{}; }
};

using Operations = std::set<std::string>;  // "GET /api/health"

// Reads the file by its indentation: paths at two spaces, methods at four.
Operations documented() {
  static const std::set<std::string> kMethods = {"get",   "put",  "post",   "delete",
                                                 "patch", "head", "options"};
  Operations found;
  std::ifstream file(OMNI_OPENAPI_FILE);
  std::string line, path;
  bool in_paths = false;
  while (std::getline(file, line)) {
    const size_t indent = line.find_first_not_of(' ');
    if (indent == std::string::npos || line[indent] == '#') continue;
    if (indent == 0) in_paths = line == "paths:";
    if (!in_paths || !line.ends_with(':')) continue;
    const std::string key = line.substr(indent, line.size() - indent - 1);
    if (indent == 2) path = key;
    if (indent != 4 || !kMethods.contains(key)) continue;
    std::string method = key;
    for (char& c : method) c = static_cast<char>(c - 32);
    found.insert(method + " " + path);
  }
  return found;
}

Operations served() {
  TransferWorld world;
  NoBackend backend;
  http::addInferenceRoutes(world.table, {backend, world.clock, world.random});
  const AccessParts access{world.clock, world.random, world.table};
  FakeBackups backups;
  addBackupRoutes(world.table, {.backups = backups, .clock = world.clock});
  addMetricsRoute(world.table, [] { return std::string(); });
  FakeWebhooks webhooks;
  addWebhookRoutes(world.table, {.store = webhooks,
                                 .signer = webhooks,
                                 .dispatcher = webhooks.dispatcher,
                                 .clock = world.clock,
                                 .random = world.random});
  Operations found;
  for (const http::Route& route : world.table) found.insert(route.method + " " + route.pattern);
  return found;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  const Operations in_file = documented();
  const Operations in_table = served();
  EXPECT_GE(in_file.size(), 15u) << "the paths section was not understood";
  for (const std::string& operation : in_table)
    EXPECT_TRUE(in_file.contains(operation)) << operation << " is served but not described";
  for (const std::string& operation : in_file)
    EXPECT_TRUE(in_table.contains(operation)) << operation << " is described but not served";
}

}  // namespace
}  // namespace omni::admin::testing
