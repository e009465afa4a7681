# What `cmake --install` and CPack put where. Packages: omniroute (components runtime and settings) and omniroute-dev
# (component sdk) as .deb and .rpm, and a tarball of the runtime that runs where it is unpacked.
include(GNUInstallDirs)
option(OMNI_DEBUG_PACKAGES "Also make omniroute-dbgsym, with the programs' debug information" OFF)

install(TARGETS omnirouted RUNTIME DESTINATION bin COMPONENT runtime)
if(TARGET omniroute)
  install(TARGETS omniroute RUNTIME DESTINATION bin COMPONENT runtime)
endif()
# The manifests hold the libraries' hashes, so both are taken as they were built (stripped already, see omni_add_plugin):
# nothing may strip them afterwards.
foreach(plugin kiro openai echo)
  if(TARGET ${plugin}_plugin)
    install(FILES $<TARGET_FILE:${plugin}_plugin> ${OMNI_PLUGIN_DIR}/${plugin}.plugin.json
      DESTINATION lib/omniroute/plugins COMPONENT runtime)
  endif()
endforeach()

install(FILES README.md SECURITY.md DESTINATION share/doc/omniroute COMPONENT runtime)
find_program(GZIP gzip)
if(UNIX AND GZIP)
  set(made "${CMAKE_BINARY_DIR}/packages")
  file(MAKE_DIRECTORY "${made}")
  set(files)
  # omni_zipped(NAME SOURCE...): -n, so that no time stamp is in it.
  macro(omni_zipped name)
    add_custom_command(OUTPUT "${made}/${name}" COMMAND ${GZIP} -9nc ${ARGN} > "${made}/${name}" DEPENDS ${ARGN} VERBATIM)
    list(APPEND files "${made}/${name}")
  endmacro()
  omni_zipped(omnirouted.8.gz "${PROJECT_SOURCE_DIR}/installers/man/omnirouted.8")
  omni_zipped(omniroute-plugin-check.1.gz "${PROJECT_SOURCE_DIR}/installers/man/omniroute-plugin-check.1")
  omni_zipped(changelog.gz "${PROJECT_SOURCE_DIR}/installers/debian/changelog")
  if(NOT CMAKE_CROSSCOMPILING)
    add_custom_command(OUTPUT "${made}/omniroute.1.gz" "${made}/omniroute.bash" "${made}/_omniroute" "${made}/omniroute.fish"
      COMMAND omniroute man > "${made}/omniroute.1"
      COMMAND ${GZIP} -9nf "${made}/omniroute.1"
      COMMAND omniroute completion bash > "${made}/omniroute.bash"
      COMMAND omniroute completion zsh > "${made}/_omniroute"
      COMMAND omniroute completion fish > "${made}/omniroute.fish"
      DEPENDS omniroute VERBATIM)
    list(APPEND files "${made}/omniroute.1.gz")
    install(FILES "${made}/omniroute.1.gz" DESTINATION share/man/man1 COMPONENT runtime)
    install(FILES "${made}/omniroute.bash" RENAME omniroute DESTINATION share/bash-completion/completions COMPONENT runtime)
    install(FILES "${made}/_omniroute" DESTINATION share/zsh/vendor-completions COMPONENT runtime)
    install(FILES "${made}/omniroute.fish" DESTINATION share/fish/vendor_completions.d COMPONENT runtime)
    # The software bill of materials: what the programs are made of, as it was found at build time.
    find_package(Python3 COMPONENTS Interpreter)
    if(Python3_FOUND)
      add_custom_command(OUTPUT "${made}/omniroute.spdx.json"
        COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/scripts/sbom" --version ${PROJECT_VERSION}
                --output "${made}/omniroute.spdx.json" $<TARGET_FILE:omnirouted> $<TARGET_FILE:omniroute>
                $<TARGET_FILE:kiro_plugin> $<TARGET_FILE:openai_plugin> $<TARGET_FILE:echo_plugin>
        DEPENDS omnirouted omniroute kiro_plugin openai_plugin echo_plugin "${PROJECT_SOURCE_DIR}/scripts/sbom"
                "${PROJECT_SOURCE_DIR}/dashboard/package-lock.json" VERBATIM)
      list(APPEND files "${made}/omniroute.spdx.json")
      install(FILES "${made}/omniroute.spdx.json" DESTINATION share/doc/omniroute COMPONENT runtime)
    endif()
  endif()
  add_custom_target(omni_package_files ALL DEPENDS ${files})
  install(FILES "${made}/omnirouted.8.gz" DESTINATION share/man/man8 COMPONENT runtime)
  install(FILES "${made}/omniroute-plugin-check.1.gz" DESTINATION share/man/man1 COMPONENT sdk)
  install(FILES installers/debian/copyright "${made}/changelog.gz" DESTINATION share/doc/omniroute COMPONENT runtime)
  install(FILES installers/debian/copyright "${made}/changelog.gz" DESTINATION share/doc/omniroute-dev COMPONENT sdk)
  install(FILES installers/debian/omniroute.lintian-overrides RENAME omniroute
    DESTINATION share/lintian/overrides COMPONENT runtime)
  install(FILES installers/debian/omniroute-dev.lintian-overrides RENAME omniroute-dev
    DESTINATION share/lintian/overrides COMPONENT sdk)
  install(FILES installers/systemd/omniroute.service installers/systemd/omniroute.socket
    DESTINATION lib/systemd/system COMPONENT runtime)
  install(FILES installers/systemd/omniroute.sysusers RENAME omniroute.conf
    DESTINATION lib/sysusers.d COMPONENT runtime)
endif()
# Absolute: the packages' prefix is /usr, and settings do not belong below it. The tarball has them as an example.
install(FILES installers/common/omnirouted.properties DESTINATION /etc/omniroute COMPONENT settings)
install(FILES installers/common/omnirouted.properties DESTINATION share/doc/omniroute/examples COMPONENT runtime)

# The newest entry of the changelog is the date of all files, unless SOURCE_DATE_EPOCH says another.
set(CPACK_OMNI_EPOCH 0)
find_program(DATE date)
file(STRINGS installers/debian/changelog dated REGEX "^ -- " LIMIT_COUNT 1)
string(REGEX REPLACE ".*>  " "" dated "${dated}")
if(DATE AND UNIX)
  execute_process(COMMAND ${DATE} -u -d "${dated}" +%s OUTPUT_VARIABLE CPACK_OMNI_EPOCH OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
set(CPACK_OMNI_ARCHITECTURE "${CMAKE_SYSTEM_PROCESSOR}")

set(CPACK_PACKAGE_NAME omniroute)
set(CPACK_PACKAGE_VENDOR "OmniRoute Service authors")
set(OMNI_PACKAGE_CONTACT "OmniRoute Service authors <omniroute@localhost>" CACHE STRING "Who answers for the packages")
set(CPACK_PACKAGE_CONTACT "${OMNI_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "local gateway to several accounts of AI providers")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX "/usr")
set(CPACK_GENERATOR DEB RPM TGZ)
set(CPACK_COMPONENTS_ALL runtime settings sdk)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_SOURCE_DIR}/installers/generator.cmake")
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/installers/reproducible/settle.cmake")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
if(OMNI_DEBUG_PACKAGES)
  set(CPACK_DEBIAN_SERVICE_DEBUGINFO_PACKAGE ON) # CPack strips while it takes the information out
else()
  set(CPACK_STRIP_FILES ON)
endif()

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_SERVICE_PACKAGE_NAME omniroute)
set(CPACK_DEBIAN_SERVICE_PACKAGE_SECTION net)
# procps: /bin/kill, with which systemd 252 reloads.
set(CPACK_DEBIAN_SERVICE_PACKAGE_DEPENDS "systemd | systemd-sysusers, procps")
set(CPACK_DEBIAN_SERVICE_DESCRIPTION
  "Keeps any number of accounts signed in side by side, so that none logs
 another out, and serves them to OpenAI and Anthropic clients on one local
 address, with a dashboard and a command line.")
set(CPACK_DEBIAN_SERVICE_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/installers/debian/postinst;${PROJECT_SOURCE_DIR}/installers/debian/prerm;${PROJECT_SOURCE_DIR}/installers/debian/postrm;${PROJECT_SOURCE_DIR}/installers/debian/conffiles")
set(CPACK_DEBIAN_SERVICE_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME omniroute-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "omniroute, cmake, ninja-build")
set(CPACK_DEBIAN_DEV_DESCRIPTION
  "Headers and tools for provider plugins of OmniRoute: the plugin ABI and its
 C++ face, a testing kit, a template to copy and the plugin check.")

set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE "Apache-2.0")
set(CPACK_RPM_PACKAGE_AUTOREQPROV ON)
set(CPACK_RPM_SERVICE_PACKAGE_NAME omniroute)
set(CPACK_RPM_SERVICE_PACKAGE_REQUIRES "systemd, procps-ng")
set(CPACK_RPM_SERVICE_USER_FILELIST "%config(noreplace) /etc/omniroute/omnirouted.properties")
set(CPACK_RPM_SERVICE_POST_INSTALL_SCRIPT_FILE "${PROJECT_SOURCE_DIR}/installers/rpm/post.sh")
set(CPACK_RPM_SERVICE_PRE_UNINSTALL_SCRIPT_FILE "${PROJECT_SOURCE_DIR}/installers/rpm/preun.sh")
set(CPACK_RPM_SERVICE_POST_UNINSTALL_SCRIPT_FILE "${PROJECT_SOURCE_DIR}/installers/rpm/postun.sh")
set(CPACK_RPM_DEV_PACKAGE_NAME omniroute-devel)
# Folders of the distribution are not ours; and rpm's own stripping would spoil the plugins' hashes.
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
  /etc /usr/bin /usr/include /usr/lib /usr/lib/systemd /usr/lib/systemd/system /usr/lib/sysusers.d /usr/share /usr/share/doc
  /usr/share/man /usr/share/man/man1 /usr/share/man/man8 /usr/share/cmake /usr/share/zsh /usr/share/zsh/vendor-completions
  /usr/share/fish /usr/share/fish/vendor_completions.d /usr/share/bash-completion /usr/share/bash-completion/completions
  /usr/share/lintian /usr/share/lintian/overrides)
set(CPACK_RPM_SPEC_MORE_DEFINE
  "%define __os_install_post %{nil}\n%define debug_package %{nil}\n%define _build_id_links none\n%define use_source_date_epoch_as_buildtime 1\n%define clamp_mtime_to_source_date_epoch 1\n%define _buildhost omniroute")
include(CPack)
cpack_add_component_group(service)
cpack_add_component_group(dev)
cpack_add_component(runtime GROUP service)
cpack_add_component(settings GROUP service)
cpack_add_component(sdk GROUP dev)
