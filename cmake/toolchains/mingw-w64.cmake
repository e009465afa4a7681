# Windows from Linux: mingw-w64's g++ (threads of the C++ library on winpthreads) and the libraries that
# scripts/windows-deps has built. Their folder is OMNI_WINDOWS_PREFIX: given with -D, or asked of that script.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
# The checks of CMake are projects of their own, which read this file again.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES OMNI_WINDOWS_PREFIX)

if(NOT OMNI_WINDOWS_PREFIX)
  execute_process(COMMAND "${CMAKE_CURRENT_LIST_DIR}/../../scripts/windows-deps" --where
    OUTPUT_VARIABLE OMNI_WINDOWS_PREFIX OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "The Windows libraries are not there: run scripts/windows-deps once (10 to 20 minutes).")
  endif()
endif()
set(OMNI_WINDOWS_PREFIX "${OMNI_WINDOWS_PREFIX}" CACHE PATH "What scripts/windows-deps has built")

set(omni_triplet x86_64-w64-mingw32)
set(CMAKE_C_COMPILER ${omni_triplet}-gcc-posix)
set(CMAKE_CXX_COMPILER ${omni_triplet}-g++-posix)
set(CMAKE_ASM_COMPILER ${omni_triplet}-gcc-posix)
set(CMAKE_RC_COMPILER ${omni_triplet}-windres)
# Poco compiles the texts of its event log source with it.
set(CMAKE_MC_COMPILER ${omni_triplet}-windmc CACHE FILEPATH "Compiler of message texts")

set(CMAKE_FIND_ROOT_PATH "${OMNI_WINDOWS_PREFIX}" /usr/${omni_triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_PREFIX_PATH "${OMNI_WINDOWS_PREFIX}")
set(OPENSSL_ROOT_DIR "${OMNI_WINDOWS_PREFIX}")
set(Boost_INCLUDE_DIR "${OMNI_WINDOWS_PREFIX}/shims" CACHE PATH "Boost's headers: a link, so that no other of this system is seen")

# shims/ holds headers whose names Poco spells in capitals, which matters on Linux only, and Boost.
# Windows 10 is the oldest system that is served: 0x0A00.
foreach(omni_language C CXX)
  set(CMAKE_${omni_language}_FLAGS_INIT "-isystem ${OMNI_WINDOWS_PREFIX}/shims -D_WIN32_WINNT=0x0A00")
endforeach()
# windows/ holds an addition to the C++ library's <filesystem>: narrow paths are UTF-8.
string(APPEND CMAKE_CXX_FLAGS_INIT " -isystem ${CMAKE_CURRENT_LIST_DIR}/windows -Wno-attributes") # visibility means nothing here

set(CMAKE_CROSSCOMPILING_EMULATOR wine)
