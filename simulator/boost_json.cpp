// Boost.JSON without its library: the one translation unit that carries the implementation.
#include <boost/json/src.hpp>
