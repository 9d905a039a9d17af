# SPDX-License-Identifier: Apache-2.0
#
# libdw (elfutils), for `whittle record --stacks`. Optional: without it, or with
# -DWHITTLE_STACKS=OFF, tracer/stacks_missing.c stands for tracer/stacks.c. Sets WHITTLE_HAVE_STACKS.

option(WHITTLE_STACKS "Take stacks (needs libdw)" ON)

set(WHITTLE_HAVE_STACKS FALSE)
if(WHITTLE_STACKS)
  pkg_check_modules(DW QUIET IMPORTED_TARGET GLOBAL "libdw>=0.176")
  if(DW_FOUND)
    set(WHITTLE_HAVE_STACKS TRUE)
    message(STATUS "Found libdw (${DW_VERSION})")
  else()
    message(STATUS "libdw is missing (package libdw-dev): whittle record will not take stacks")
  endif()
else()
  message(STATUS "Stacks are left out: WHITTLE_STACKS is off")
endif()

# whittle_link_stacks(TARGET): only programs that take stacks load libdw at their start.
function(whittle_link_stacks target)
  target_sources(${target} PRIVATE stack_files.c stack_frame_code.c stack_frame_pointer.c
                                   stack_maps.c stack_names.c stack_session.c stacks.c)
  target_link_libraries(${target} PRIVATE "-Wl,--push-state,--as-needed" PkgConfig::DW
                                          "-Wl,--pop-state")
endfunction()
