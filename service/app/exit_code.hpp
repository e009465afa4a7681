#pragma once
// How the process ends when it cannot start, in the numbers of sysexits.h: a service manager tells
// from them whether trying again can help. The unit file and omnirouted(8) list them.

#include "core/base/error.hpp"

namespace omni::app {

// 64 wrong usage (by the command line itself), 65 the database is damaged or newer than this
// program, 69 the address cannot be listened on, 70 anything else, 74 the disk fails or is full,
// 77 files belong to somebody else, 78 the settings are wrong, or do not fit what is there.
// 64, 65, 77 and 78 need a person.
int exitCode(const Error& error);

}  // namespace omni::app
