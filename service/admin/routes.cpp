#include "service/admin/routes.hpp"

#include "service/admin/context.hpp"

namespace omni::admin {

void addAdminRoutes(http::RouteTable& table, AdminDeps deps) {
  const auto context = std::make_shared<Context>(std::move(deps));
  addAccountRoutes(table, context);
  addAccountCheckRoutes(table, context);
  addTokenHealthRoutes(table, context);
  addComboRoutes(table, context);
  addOverviewRoutes(table, context);
}

}  // namespace omni::admin
