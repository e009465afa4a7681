# Turns a folder of web files into an object file: each is compressed and included as bytes, with a table of what is where.
#   cmake -DINPUT=dir -DOUTPUT=dir -DGZIP=gzip -P EmbedAssets.cmake     writes assets.S and assets.cpp
file(GLOB_RECURSE files RELATIVE "${INPUT}" "${INPUT}/*")
list(SORT files)
set(assembly "")
set(declarations "")
set(rows "")
set(number 0)
foreach(name IN LISTS files)
  get_filename_component(extension "${name}" LAST_EXT)
  set(type "application/octet-stream")
  foreach(pair ".html=text/html; charset=utf-8" ".js=text/javascript; charset=utf-8" ".css=text/css; charset=utf-8"
               ".svg=image/svg+xml" ".png=image/png" ".woff2=font/woff2" ".json=application/json")
    string(REGEX MATCH "^([^=]+)=(.+)$" _ "${pair}")
    if(extension STREQUAL CMAKE_MATCH_1)
      set(type "${CMAKE_MATCH_2}")
    endif()
  endforeach()
  set(packed "${OUTPUT}/asset-${number}.gz")
  # -n: neither name nor time, so that two builds are equal.
  execute_process(COMMAND "${GZIP}" -9nc "${INPUT}/${name}" OUTPUT_FILE "${packed}" RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${GZIP} failed on ${name}")
  endif()
  file(SHA256 "${packed}" hash)
  string(SUBSTRING "${hash}" 0 16 hash)
  # Vite puts a hash into the names below assets/: what is there never changes.
  set(immutable false)
  if(name MATCHES "^assets/")
    set(immutable true)
  endif()
  string(APPEND assembly "  .balign 16\n  .globl omni_asset_${number}\nomni_asset_${number}:\n  .incbin \"${packed}\"\n"
    "  .globl omni_asset_${number}_end\nomni_asset_${number}_end:\n  .byte 0\n")
  string(APPEND declarations "extern \"C\" const char omni_asset_${number}[];\nextern \"C\" const char omni_asset_${number}_end[];\n")
  string(APPEND rows "    {\"/${name}\", \"${type}\", \"\\\"${hash}\\\"\",\n"
    "     {omni_asset_${number}, static_cast<std::size_t>(omni_asset_${number}_end - omni_asset_${number})}, ${immutable}},\n")
  math(EXPR number "${number} + 1")
endforeach()
set(section ".section .rodata")
if(WINDOWS)
  set(section ".section .rdata,\"dr\"")
endif()
set(note "")
if(NOT WINDOWS)
  set(note "  .section .note.GNU-stack,\"\",%progbits\n") # or the linker makes the stack executable
endif()
file(WRITE "${OUTPUT}/assets.S" "  ${section}\n${assembly}${note}")
file(WRITE "${OUTPUT}/assets.cpp" "#include \"dashboard/assets.hpp\"\n\n${declarations}\nnamespace omni::dashboard {\n\n"
  "std::span<const Asset> assets() {\n  static const Asset kAssets[] = {\n${rows}    {{}, {}, {}, {}, false}};\n"
  "  return {kAssets, ${number}};\n}\n\n}  // namespace omni::dashboard\n")
