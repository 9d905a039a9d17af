# SPDX-License-Identifier: Apache-2.0
#
# What every target of ours has in common, so that flags are on targets and never global.

# whittle_target(TARGET): our flags for a library or program of ours.
function(whittle_target target)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_link_libraries(${target} PRIVATE whittle-warnings whittle-hardening whittle-sanitizers)
endfunction()

# whittle_library(TARGET SOURCES … PUBLIC … PRIVATE …): one static library, one layer. Headers are
# included as "base/x.h", "model/x.h", "cli/x.h" (from src/) and "tracer/x.h", "generator/x.h" (from
# the root). Which layer may include which is checked by script/layers.
function(whittle_library target)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${target} STATIC ${arg_SOURCES})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(${target} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  whittle_target(${target})
endfunction()
