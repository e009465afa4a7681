// The one compilation of Boost.JSON in this component.
#include <boost/json/src.hpp>
