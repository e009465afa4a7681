# Runs CHECK on SUBJECT and wants the exit code EXPECTED_CODE and TEXT in its output.
execute_process(COMMAND "${CHECK}" "${SUBJECT}" --timeout 1000 RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
string(FIND "${out}${err}" "${TEXT}" position)
if(NOT code STREQUAL "${EXPECTED_CODE}" OR position EQUAL -1)
  message(FATAL_ERROR "wanted exit code ${EXPECTED_CODE} and \"${TEXT}\", got ${code} and:\n${out}${err}")
endif()
