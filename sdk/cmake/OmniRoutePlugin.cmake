# omniroute_add_plugin(NAME VERSION x.y.z SOURCES ... [LIBS ...] [MANIFEST file] [OUTPUT_DIRECTORY dir])
#
# Makes <NAME>_plugin, a library that exports nothing but the plugin's entry, and writes <NAME>.plugin.json with the library's
# SHA-256 beside it, from MANIFEST (default: <NAME>.plugin.json.in). Also <NAME>_static, the same code with the entry named
# omni_plugin_entry_<NAME>, for unit tests and sanitizers. The sources see the version as OMNI_PLUGIN_VERSION.
# Works with find_package(OmniRouteSDK) and inside the OmniRoute tree.
set(OMNIROUTE_SDK_CMAKE_DIR "${CMAKE_CURRENT_LIST_DIR}" CACHE INTERNAL "Where the SDK's CMake files are")

function(omniroute_add_plugin name)
  cmake_parse_arguments(A "" "VERSION;MANIFEST;OUTPUT_DIRECTORY" "SOURCES;LIBS" ${ARGN})
  if(NOT A_VERSION OR NOT A_SOURCES)
    message(FATAL_ERROR "omniroute_add_plugin(${name}): VERSION and SOURCES are needed")
  endif()
  if(NOT A_MANIFEST)
    set(A_MANIFEST "${CMAKE_CURRENT_SOURCE_DIR}/${name}.plugin.json.in")
  endif()
  if(NOT A_OUTPUT_DIRECTORY)
    set(A_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/plugins")
  endif()
  add_library(${name}_plugin MODULE ${A_SOURCES})
  add_library(${name}_static STATIC ${A_SOURCES})
  target_compile_definitions(${name}_static PRIVATE OMNI_STATIC_TWIN=omni_plugin_entry_${name})
  target_link_libraries(${name}_plugin PRIVATE OmniRoute::sdk ${A_LIBS})
  target_link_libraries(${name}_static PUBLIC OmniRoute::sdk ${A_LIBS})
  foreach(target ${name}_plugin ${name}_static)
    target_compile_definitions(${target} PRIVATE "OMNI_PLUGIN_VERSION=\"${A_VERSION}\"")
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
      C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endforeach()
  set_target_properties(${name}_plugin PROPERTIES PREFIX "" OUTPUT_NAME "${name}"
    LIBRARY_OUTPUT_DIRECTORY "${A_OUTPUT_DIRECTORY}")
  if(CMAKE_EXECUTABLE_FORMAT STREQUAL "ELF")
    target_link_options(${name}_plugin PRIVATE
      "-Wl,--version-script=${OMNIROUTE_SDK_CMAKE_DIR}/plugin.map" "-Wl,--exclude-libs,ALL")
    # A sanitizer's runtime comes with the program that loads the plugin.
    if(NOT OMNI_SANITIZE)
      target_link_options(${name}_plugin PRIVATE "-Wl,-z,defs")
    endif()
  endif()
  # The manifest is written after linking; a change of its template alone has to write it too.
  set_property(TARGET ${name}_plugin APPEND PROPERTY LINK_DEPENDS "${A_MANIFEST}")
  add_custom_command(TARGET ${name}_plugin POST_BUILD
    COMMAND ${CMAKE_COMMAND} "-DMANIFEST_IN=${A_MANIFEST}"
            "-DMANIFEST_OUT=${A_OUTPUT_DIRECTORY}/${name}.plugin.json"
            "-DLIBRARY=$<TARGET_FILE:${name}_plugin>" "-DVERSION=${A_VERSION}"
            -P "${OMNIROUTE_SDK_CMAKE_DIR}/WritePluginManifest.cmake"
    VERBATIM)
endfunction()
