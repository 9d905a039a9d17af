# SPDX-License-Identifier: Apache-2.0

# profiles/tables compiled in. WHITTLE_TABLES_SOURCE is the generated C file, for the model library;
# WHITTLE_FLAGS_CHECK_SOURCES are more, with which unit tests compare flags and numbers with
# the system's headers.
set(whittle_tables ${CMAKE_SOURCE_DIR}/profiles/tables)
set(whittle_tables_script ${CMAKE_SOURCE_DIR}/cmake/tables/generate.py)
set(whittle_tables_depends
    ${whittle_tables_script}
    ${whittle_tables}/arguments.csv
    ${whittle_tables}/capabilities.csv
    ${whittle_tables}/capability_sites.csv
    ${whittle_tables}/flag_families.csv
    ${whittle_tables}/flags.csv
    ${whittle_tables}/io_uring.csv
    ${whittle_tables}/path_operations.csv
    ${whittle_tables}/refinements.csv
    ${whittle_tables}/syscalls.csv)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)

set(WHITTLE_TABLES_SOURCE ${CMAKE_BINARY_DIR}/generated/tables_data.c)
add_custom_command(
  OUTPUT ${WHITTLE_TABLES_SOURCE}
  COMMAND Python3::Interpreter ${whittle_tables_script} ${whittle_tables} ${WHITTLE_TABLES_SOURCE}
  DEPENDS ${whittle_tables_depends}
  COMMENT "Compiling profiles/tables"
  VERBATIM)

set(WHITTLE_FLAGS_CHECK_SOURCES "")
foreach(side kernel libc numbers)
  set(source ${CMAKE_BINARY_DIR}/generated/flags_check_${side}.c)
  add_custom_command(
    OUTPUT ${source}
    COMMAND Python3::Interpreter ${whittle_tables_script} --check ${whittle_tables} ${side}
            ${source}
    DEPENDS ${whittle_tables_depends}
    COMMENT "Preparing to check tables against headers: ${side}"
    VERBATIM)
  list(APPEND WHITTLE_FLAGS_CHECK_SOURCES ${source})
endforeach()

# A custom command belongs to the folder that states it; targets elsewhere depend on this one.
add_custom_target(whittle-tables DEPENDS ${WHITTLE_TABLES_SOURCE} ${WHITTLE_FLAGS_CHECK_SOURCES})
