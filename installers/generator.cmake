# What differs between the kinds of packages; read by CPack before it packs.
if(CPACK_GENERATOR STREQUAL "TGZ")
  # One folder that runs wherever it is unpacked: no settings in /etc, no SDK.
  set(CPACK_COMPONENTS_ALL runtime)
  set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
  set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
  set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ON)
  set(CPACK_PACKAGING_INSTALL_PREFIX "")
  set(CPACK_PACKAGE_FILE_NAME "omniroute-${CPACK_PACKAGE_VERSION}-linux-${CPACK_OMNI_ARCHITECTURE}")
  set(CPACK_ARCHIVE_FILE_NAME "${CPACK_PACKAGE_FILE_NAME}")
endif()
