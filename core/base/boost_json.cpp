// The one translation unit that holds Boost.JSON's implementation; everything else includes its
// headers only.
#include <boost/json/src.hpp>
