# SPDX-License-Identifier: Apache-2.0
#
# whittle-warnings: the warnings that all of our code is held to. Linked PRIVATE by whittle_target(),
# so that generated code of others never sees them by accident.

option(WHITTLE_WERROR "Treat warnings as errors" OFF)
option(WHITTLE_ANALYZER "Run GCC's static analyzer while compiling" OFF)

add_library(whittle-warnings INTERFACE)
target_compile_options(
  whittle-warnings
  INTERFACE -Wall
            -Wextra
            -Wcast-qual
            -Wconversion
            -Wformat=2
            -Wmissing-prototypes
            # {first, second} leaves the rest zero, which libseccomp's SCMP_A0() and our tables rely on.
            -Wno-missing-field-initializers
            -Wshadow
            -Wstrict-prototypes
            -Wundef
            -Wwrite-strings)
if(WHITTLE_WERROR)
  target_compile_options(whittle-warnings INTERFACE -Werror)
endif()
if(WHITTLE_ANALYZER)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL GNU)
    message(FATAL_ERROR "WHITTLE_ANALYZER needs GCC; the compiler is ${CMAKE_C_COMPILER_ID}.")
  endif()
  # GCC 12 takes a pointer that is stored through a variable index, or that a cleanup attribute frees,
  # for leaked. LeakSanitizer, in the preset asan, looks for leaks.
  target_compile_options(whittle-warnings INTERFACE -fanalyzer -Wno-analyzer-malloc-leak)
endif()
