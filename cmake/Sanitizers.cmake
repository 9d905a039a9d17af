# SPDX-License-Identifier: Apache-2.0
#
# whittle-sanitizers: instrumentation, chosen by the presets asan, tsan, fuzz and coverage.

set(WHITTLE_SANITIZE "" CACHE STRING "Comma-separated -fsanitize= list, as address,undefined")
option(WHITTLE_FUZZ "Build the fuzz targets with libFuzzer (needs Clang)" OFF)
option(WHITTLE_COVERAGE "Count which lines run" OFF)

add_library(whittle-sanitizers INTERFACE)
if(WHITTLE_SANITIZE)
  set(flags -fsanitize=${WHITTLE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(whittle-sanitizers INTERFACE ${flags})
  target_link_options(whittle-sanitizers INTERFACE ${flags})
endif()
if(WHITTLE_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "WHITTLE_FUZZ needs Clang; use the preset fuzz.")
  endif()
  target_compile_options(whittle-sanitizers INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(whittle-sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WHITTLE_COVERAGE)
  target_compile_options(whittle-sanitizers INTERFACE --coverage -fprofile-abs-path)
  target_link_options(whittle-sanitizers INTERFACE --coverage)
endif()
