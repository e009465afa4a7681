# Script mode: fills @VERSION@, @FILE@ and @SHA256@ of a manifest template. Needs MANIFEST_IN, MANIFEST_OUT, LIBRARY, VERSION.
file(SHA256 "${LIBRARY}" SHA256)
get_filename_component(FILE "${LIBRARY}" NAME)
configure_file("${MANIFEST_IN}" "${MANIFEST_OUT}" @ONLY)
