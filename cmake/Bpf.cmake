# SPDX-License-Identifier: Apache-2.0
#
# The eBPF backend's kernel side: tracer/bpf/whittle.bpf.c compiled, relinked and turned into the
# header whittle.skel.h that holds it. Optional: needs a clang with the BPF target, bpftool and
# libbpf, but neither kernel headers nor the running kernel's types (CO-RE relocates at load time).
#
# Sets WHITTLE_HAVE_BPF; where it is false, whittle_bpf_missing() has said what is missing, and
# tracer/bpf_missing.c stands for the backend.

option(WHITTLE_BPF "Build the eBPF backend where its tools are there" ON)

# The object for the machine this is built on, and those for others, which only show that it compiles.
set(whittle_bpf_targets x86_64=x86 aarch64=arm64)

# Is CLANG one with the BPF target?
function(whittle_clang_has_bpf clang result)
  execute_process(COMMAND ${clang} --print-targets OUTPUT_VARIABLE targets ERROR_QUIET)
  if(targets MATCHES "[\r\n][ \t]*bpf[ \t]")
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

# Ubuntu's bpftool may be a script that only works with the running kernel's own tools.
function(whittle_bpftool_works bpftool result)
  execute_process(COMMAND ${bpftool} version RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status EQUAL 0)
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

function(whittle_find_bpf)
  set(missing "")
  if(NOT WHITTLE_BPF)
    set(missing "WHITTLE_BPF, which is off")
  else()
    find_program(WHITTLE_BPF_CLANG NAMES clang clang-21 clang-20 clang-19 clang-18 clang-17 clang-16
                                         clang-15 clang-14)
    if(WHITTLE_BPF_CLANG)
      whittle_clang_has_bpf(${WHITTLE_BPF_CLANG} has_bpf)
    endif()
    if(NOT WHITTLE_BPF_CLANG OR NOT has_bpf)
      list(APPEND missing "a clang with the BPF target (package clang)")
    endif()

    file(GLOB versions /usr/lib/linux-tools/* /usr/lib/linux-tools-*)
    # Not in the PATH of every user.
    find_program(WHITTLE_BPFTOOL NAMES bpftool HINTS ${versions} PATHS /usr/sbin /usr/local/sbin /sbin)
    if(WHITTLE_BPFTOOL)
      whittle_bpftool_works(${WHITTLE_BPFTOOL} works)
    endif()
    if(NOT WHITTLE_BPFTOOL OR NOT works)
      list(APPEND missing "bpftool (package bpftool; Ubuntu: linux-tools-generic)")
    endif()

    pkg_check_modules(LIBBPF QUIET IMPORTED_TARGET GLOBAL "libbpf>=1.0")
    if(NOT LIBBPF_FOUND)
      list(APPEND missing "libbpf 1.0 or newer (package libbpf-dev)")
    endif()

    if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|x86|aarch64|arm64)$")
      list(APPEND missing "a kernel side for ${CMAKE_SYSTEM_PROCESSOR} (there are x86_64 and aarch64)")
    endif()
  endif()
  if(missing)
    list(JOIN missing ", " text)
    message(STATUS "The eBPF backend is left out; missing: ${text}")
    set(WHITTLE_HAVE_BPF FALSE PARENT_SCOPE)
  else()
    message(STATUS "Found what the eBPF backend needs (libbpf ${LIBBPF_VERSION}, ${WHITTLE_BPFTOOL})")
    set(WHITTLE_HAVE_BPF TRUE PARENT_SCOPE)
  endif()
endfunction()

# whittle_bpf_object(ARCH OUTPUT): OUTPUT is whittle.bpf.c for ARCH (libbpf's name), not yet relinked.
function(whittle_bpf_object arch output)
  set(source ${CMAKE_SOURCE_DIR}/tracer/bpf/whittle.bpf.c)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tracer/bpf/*.h)
  add_custom_command(
    OUTPUT ${output}
    COMMAND
      ${WHITTLE_BPF_CLANG} -std=gnu17 -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_${arch} -Wall -Wextra
      -Wno-unused-parameter -Wno-missing-declarations -Werror -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
      -I${CMAKE_SOURCE_DIR}/tracer/bpf ${LIBBPF_CFLAGS} -c ${source} -o ${output}
    DEPENDS ${source} ${headers}
    COMMENT "Compiling whittle.bpf.c for ${arch}"
    VERBATIM)
endfunction()

# The skeleton header for TARGET, which includes it as "whittle.skel.h".
function(whittle_bpf_skeleton target)
  set(folder ${CMAKE_BINARY_DIR}/generated/bpf)
  file(MAKE_DIRECTORY ${folder})
  foreach(pair IN LISTS whittle_bpf_targets)
    string(REGEX REPLACE "=.*" "" machine ${pair})
    string(REGEX REPLACE ".*=" "" arch ${pair})
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(${machine}|${arch})$" OR (machine STREQUAL x86_64 AND CMAKE_SYSTEM_PROCESSOR STREQUAL AMD64))
      set(own ${arch})
    endif()
    whittle_bpf_object(${arch} ${folder}/whittle.${arch}.o)
    list(APPEND objects ${folder}/whittle.${arch}.o)
  endforeach()
  # gen object drops what only debuggers read.
  add_custom_command(
    OUTPUT ${folder}/whittle.bpf.o
    COMMAND ${WHITTLE_BPFTOOL} gen object ${folder}/whittle.bpf.o ${folder}/whittle.${own}.o
    DEPENDS ${folder}/whittle.${own}.o
    COMMENT "Relinking whittle.bpf.o"
    VERBATIM)
  add_custom_command(
    OUTPUT ${folder}/whittle.skel.h
    COMMAND ${WHITTLE_BPFTOOL} gen skeleton ${folder}/whittle.bpf.o name whittle_bpf >
            ${folder}/whittle.skel.h
    DEPENDS ${folder}/whittle.bpf.o
    COMMENT "Generating whittle.skel.h"
    VERBATIM)
  # All of them, so that the kernel side stays portable.
  add_custom_target(whittle-bpf ALL DEPENDS ${objects} ${folder}/whittle.skel.h)
  target_sources(${target} PRIVATE ${folder}/whittle.skel.h)
  target_include_directories(${target} SYSTEM PRIVATE ${folder})
  target_link_libraries(${target} PRIVATE PkgConfig::LIBBPF)
endfunction()

whittle_find_bpf()
