# Before a package is packed: all times in it are $SOURCE_DATE_EPOCH, else that of the newest entry of the changelog, and
# the rights do not depend on the umask of whoever builds.
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  set(epoch $ENV{SOURCE_DATE_EPOCH})
else()
  set(epoch ${CPACK_OMNI_EPOCH})
  set(ENV{SOURCE_DATE_EPOCH} ${epoch}) # for rpmbuild, which writes the time of building
endif()
execute_process(COMMAND find "${CPACK_TEMPORARY_DIRECTORY}" -not -path "*/DEBIAN*" -type d -exec chmod 0755 {} +)
execute_process(COMMAND find "${CPACK_TEMPORARY_DIRECTORY}" -exec touch --no-dereference -d @${epoch} {} +)
