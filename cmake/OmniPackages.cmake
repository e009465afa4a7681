# What `cmake --install` and CPack put where. Packages: omniroute (component runtime) and omniroute-dev
# (component sdk) as .deb.
include(GNUInstallDirs)

install(TARGETS omnirouted RUNTIME DESTINATION bin COMPONENT runtime)
if(TARGET omniroute)
  install(TARGETS omniroute RUNTIME DESTINATION bin COMPONENT runtime)
endif()
# The manifests hold the libraries' hashes, so both are taken as they were built: nothing may strip them
# afterwards.
foreach(plugin kiro openai echo)
  if(TARGET ${plugin}_plugin)
    install(FILES $<TARGET_FILE:${plugin}_plugin> ${OMNI_PLUGIN_DIR}/${plugin}.plugin.json
      DESTINATION lib/omniroute/plugins COMPONENT runtime)
  endif()
endforeach()

set(docs share/doc/omniroute)
install(FILES README.md SECURITY.md DESTINATION ${docs} COMPONENT runtime)
find_program(GZIP gzip)
if(UNIX AND GZIP)
  set(man "${CMAKE_BINARY_DIR}/packages/omnirouted.8.gz")
  set(changelog "${CMAKE_BINARY_DIR}/packages/changelog.gz")
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/packages")
  # -n: no time stamp, so that two builds are equal.
  execute_process(COMMAND ${GZIP} -9nc "${PROJECT_SOURCE_DIR}/installers/omnirouted.8" OUTPUT_FILE "${man}")
  execute_process(COMMAND ${GZIP} -9nc "${PROJECT_SOURCE_DIR}/installers/debian/changelog" OUTPUT_FILE "${changelog}")
  install(FILES "${man}" DESTINATION share/man/man8 COMPONENT runtime)
  foreach(package omniroute omniroute-dev)
    string(REPLACE "omniroute-dev" "sdk" component ${package})
    string(REPLACE "omniroute" "runtime" component ${component})
    install(FILES installers/debian/copyright "${changelog}" DESTINATION share/doc/${package} COMPONENT ${component})
  endforeach()
  install(FILES installers/systemd/omniroute.service installers/systemd/omniroute.socket
    DESTINATION lib/systemd/system COMPONENT runtime)
  install(FILES installers/systemd/omniroute.sysusers RENAME omniroute.conf
    DESTINATION lib/sysusers.d COMPONENT runtime)
endif()
# Absolute: the packages' prefix is /usr, and settings do not belong below it.
install(FILES installers/common/omnirouted.properties DESTINATION /etc/omniroute COMPONENT runtime)

set(CPACK_PACKAGE_NAME omniroute)
set(CPACK_PACKAGE_VENDOR "OmniRoute Service authors")
set(CPACK_PACKAGE_CONTACT "OmniRoute Service authors <omniroute@localhost>")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "local gateway to several accounts of AI providers")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_COMPONENTS_ALL runtime sdk)
set(CPACK_PACKAGING_INSTALL_PREFIX "/usr")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME omniroute)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION net)
# procps: /bin/kill, with which systemd 252 reloads.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS "systemd | systemd-sysusers, init-system-helpers, procps")
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION
  "local gateway to several accounts of AI providers
 Keeps any number of accounts signed in side by side, so that none logs another out,
 and serves them to OpenAI and Anthropic clients on one local address.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/installers/debian/postinst;${PROJECT_SOURCE_DIR}/installers/debian/prerm;${PROJECT_SOURCE_DIR}/installers/debian/postrm;${PROJECT_SOURCE_DIR}/installers/debian/conffiles")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_SDK_PACKAGE_NAME omniroute-dev)
set(CPACK_DEBIAN_SDK_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_SDK_DESCRIPTION
  "headers and tools for provider plugins of OmniRoute
 The plugin ABI and its C++ face, a testing kit, a template to copy and the plugin check.")
include(CPack)
