# find_package(OmniRouteSDK 1.1): the targets OmniRoute::sdk and OmniRoute::sdk_testing, the program
# OmniRoute::omniroute-plugin-check and the function omniroute_add_plugin. The package's version is the ABI's.
include("${CMAKE_CURRENT_LIST_DIR}/OmniRouteSDKTargets.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/OmniRoutePlugin.cmake")
