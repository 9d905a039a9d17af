# SPDX-License-Identifier: Apache-2.0
#
# whittle-toml: TOML for `whittle import`, by toml++ (C++) behind generator/toml_read.h, compiled with
# the C++ compiler of the C compiler's family, since both are linked together and instrumented alike.
# Without toml++ or a C++ compiler, or with -DWHITTLE_TOML=OFF, generator/toml_missing.c stands for it.

option(WHITTLE_TOML "Read bane's TOML files (needs toml++ and a C++ compiler)" ON)

# whittle_find_toml(MISSING): enables C++ and sets MISSING to "", or to what is not there.
macro(whittle_find_toml missing)
  get_filename_component(toml_folder ${CMAKE_C_COMPILER} DIRECTORY)
  get_filename_component(toml_name ${CMAKE_C_COMPILER} NAME)
  if(toml_name MATCHES "^(.*)clang(-[0-9]+)?$")
    set(toml_name "${CMAKE_MATCH_1}clang++${CMAKE_MATCH_2}")
  elseif(toml_name MATCHES "^(.*)gcc(-[0-9]+)?$")
    set(toml_name "${CMAKE_MATCH_1}g++${CMAKE_MATCH_2}")
  else()
    set(toml_name c++)
  endif()
  find_program(CMAKE_CXX_COMPILER NAMES ${toml_name} HINTS ${toml_folder})
  set(${missing} "")
  if(NOT CMAKE_CXX_COMPILER)
    set(${missing} "${toml_name} is missing (package g++)")
  else()
    enable_language(CXX)
    include(CheckCXXSourceCompiles)
    set(CMAKE_REQUIRED_FLAGS "-std=c++17")
    check_cxx_source_compiles(
      "#define TOML_HEADER_ONLY 1\n#define TOML_EXCEPTIONS 0\n#include <toml++/toml.h>\nint main() { return 0; }"
      WHITTLE_TOML_COMPILES)
    unset(CMAKE_REQUIRED_FLAGS)
    if(NOT WHITTLE_TOML_COMPILES)
      set(${missing} "toml++ is missing (package libtomlplusplus-dev)")
    endif()
  endif()
endmacro()

set(WHITTLE_TOML_MISSING "it was switched off")
if(WHITTLE_TOML)
  whittle_find_toml(WHITTLE_TOML_MISSING)
endif()
if(WHITTLE_TOML_MISSING)
  message(STATUS "${WHITTLE_TOML_MISSING}: whittle import will not read bane's files")
else()
  message(STATUS "Found toml++")
endif()
