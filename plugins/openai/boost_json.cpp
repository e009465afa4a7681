// The one translation unit of the plugin that holds Boost.JSON.
#include <boost/json/src.hpp>
