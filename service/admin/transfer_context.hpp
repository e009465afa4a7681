#pragma once
// What export and import share. Private to service/admin.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <memory>
#include <optional>

#include "service/admin/transfer.hpp"

namespace omni::admin {

struct TransferContext {
  TransferDeps deps;
};
using TransferContextPtr = std::shared_ptr<TransferContext>;

// The results of an import, as its answer.
class ImportReport {
 public:
  // `more` goes into the item as it is.
  void imported(std::string_view name, std::string_view id, boost::json::object more = {});
  void skipped(std::string_view name, std::string_view id, std::string_view why);
  void refused(std::string_view name, std::string_view why, std::string_view field = {});
  boost::json::object answer() &&;

 private:
  boost::json::object& add(std::string_view name, const char* result);
  boost::json::array items_;
  size_t imported_ = 0, skipped_ = 0, refused_ = 0;
};

// The name, or "<name>-2", "<name>-3" … when another account of the provider has it.
Result<std::string> freeName(ConnectionStore& accounts, std::string_view provider,
                             std::string name);
void auditTransfer(TransferContext& context, const http::Request& request, std::string_view action,
                   std::string_view id, std::string_view name, const boost::json::object& detail);

// The plain contents of a bundle. `wanted`: ids or names, all when not given.
Result<std::string> bundleContents(TransferContext& context,
                                   const std::optional<std::vector<std::string>>& wanted,
                                   std::vector<Connection>& exported);
Result<boost::json::object> importBundle(TransferContext& context, const http::Request& request,
                                         std::string_view contents);

// The combos of a bundle, and taking them over after its accounts: [{"name","result","reason"?}].
Result<boost::json::array> bundleCombos(TransferContext& context);
boost::json::array importCombos(TransferContext& context, const boost::json::object& contents);

void addForeignImportRoutes(http::RouteTable& table, const TransferContextPtr& context);

}  // namespace omni::admin
