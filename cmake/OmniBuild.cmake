# Compiler settings and the few helper functions that every folder uses.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(OMNI_PLUGIN_DIR "${CMAKE_BINARY_DIR}/plugins" CACHE PATH "Where built plugins and their manifests go")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(OMNI_CCACHE ccache)
if(OMNI_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${OMNI_CCACHE}")
endif()

# For releases: nothing in the binaries tells where they were built, so that two builds in different folders are equal.
option(OMNI_REPRODUCIBLE "Leave the paths of this machine out of the binaries" OFF)
if(OMNI_REPRODUCIBLE)
  add_compile_options("-ffile-prefix-map=${PROJECT_SOURCE_DIR}=." "-ffile-prefix-map=${CMAKE_BINARY_DIR}=build" -Wdate-time)
endif()

find_program(OMNI_MOLD mold)
if(OMNI_MOLD AND NOT WIN32)
  add_link_options(-fuse-ld=mold)
endif()

add_library(omni_flags INTERFACE)
# -Wmissing-field-initializers speaks of members that are meant to keep their defaults.
target_compile_options(omni_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
target_compile_definitions(omni_flags INTERFACE BOOST_DLL_USE_STD_FS)
if(WIN32)
  enable_language(RC)
  # Else windows.h brings macros named min, max and ERROR, and sockets of another age.
  target_compile_definitions(omni_flags INTERFACE NOMINMAX NOGDI WIN32_LEAN_AND_MEAN UNICODE _UNICODE)
endif()

if(OMNI_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(OMNI_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()

if(OMNI_FUZZ)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link>)
endif()

# omni_add_library(NAME SOURCES ... PUBLIC libs... PRIVATE libs...): a static library with the project's warnings.
function(omni_add_library name)
  cmake_parse_arguments(A "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_link_libraries(${name} PUBLIC ${A_PUBLIC} PRIVATE omni_flags ${A_PRIVATE})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}")
endfunction()

# omni_add_test(NAME SOURCES ... LIBS ...): one gtest program, found as one ctest test per program.
function(omni_add_test name)
  cmake_parse_arguments(A "" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  add_executable(${name} ${A_SOURCES})
  # What is tested is optimised; the test's own code is not: it would take half as long again to compile.
  target_compile_options(${name} PRIVATE -O0)
  target_link_libraries(${name} PRIVATE omni_flags ${A_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT})
endfunction()

# omni_add_plugin(NAME SOURCES ... LIBS ... [DEFINITIONS ...] [MANIFEST file]): a plugin library that exports exactly one
# symbol, its manifest with the library's SHA-256 beside it, and a static twin <NAME>_static for the sanitizer and unit
# tests. plugin.cpp holds the entry and is compiled once for each; everything else once for both.
function(omni_add_plugin name)
  cmake_parse_arguments(A "" "MANIFEST" "SOURCES;LIBS;DEFINITIONS" ${ARGN})
  if(NOT A_MANIFEST)
    set(A_MANIFEST "${CMAKE_CURRENT_SOURCE_DIR}/${name}.plugin.json.in")
  endif()
  set(inner ${A_SOURCES})
  list(REMOVE_ITEM inner plugin.cpp)
  add_library(${name}_objects OBJECT ${inner})
  add_library(${name}_plugin MODULE plugin.cpp $<TARGET_OBJECTS:${name}_objects>)
  # The entry symbol of the twin is omni_plugin_entry_<name>, so that one test program can link several.
  add_library(${name}_static STATIC plugin.cpp $<TARGET_OBJECTS:${name}_objects>)
  target_compile_definitions(${name}_static PRIVATE OMNI_STATIC_TWIN=omni_plugin_entry_${name})
  foreach(target ${name}_objects ${name}_plugin ${name}_static)
    target_link_libraries(${target} PUBLIC omniroute_sdk ${A_LIBS} PRIVATE omni_flags)
    target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}")
    target_compile_definitions(${target} PRIVATE ${A_DEFINITIONS})
  endforeach()
  set_target_properties(${name}_plugin PROPERTIES PREFIX "" OUTPUT_NAME "${name}" LIBRARY_OUTPUT_DIRECTORY "${OMNI_PLUGIN_DIR}")
  if(NOT WIN32)
    target_link_options(${name}_plugin PRIVATE
      "-Wl,--version-script=${PROJECT_SOURCE_DIR}/sdk/cmake/plugin.map" "-Wl,--exclude-libs,ALL")
    if(NOT OMNI_SANITIZE)
      target_link_options(${name}_plugin PRIVATE "-Wl,-z,defs")
    endif()
  endif()
  # Before the manifest takes the hash: the debug information goes into a file beside the library, where gdb finds it.
  # (A sanitizer's reports and the Debug build need it inside.)
  if(CMAKE_EXECUTABLE_FORMAT STREQUAL "ELF" AND CMAKE_OBJCOPY AND NOT OMNI_SANITIZE AND CMAKE_BUILD_TYPE MATCHES "^Rel")
    add_custom_command(TARGET ${name}_plugin POST_BUILD
      COMMAND ${CMAKE_OBJCOPY} --only-keep-debug $<TARGET_FILE:${name}_plugin> $<TARGET_FILE:${name}_plugin>.debug
      COMMAND ${CMAKE_OBJCOPY} --strip-unneeded --add-gnu-debuglink=$<TARGET_FILE:${name}_plugin>.debug
              $<TARGET_FILE:${name}_plugin>
      VERBATIM)
  endif()
  # The manifest is written after linking; a change of its template alone has to write it too.
  set_property(TARGET ${name}_plugin APPEND PROPERTY LINK_DEPENDS "${A_MANIFEST}")
  add_custom_command(TARGET ${name}_plugin POST_BUILD
    COMMAND ${CMAKE_COMMAND} -DMANIFEST_IN=${A_MANIFEST} -DMANIFEST_OUT=${OMNI_PLUGIN_DIR}/${name}.plugin.json
            -DLIBRARY=$<TARGET_FILE:${name}_plugin> -DVERSION=${PROJECT_VERSION}
            -P "${PROJECT_SOURCE_DIR}/sdk/cmake/WritePluginManifest.cmake"
    VERBATIM)
endfunction()
