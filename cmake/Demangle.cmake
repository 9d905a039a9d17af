# SPDX-License-Identifier: Apache-2.0
#
# libiberty (binutils), for the names of C++ and Rust in `whittle explain`. Optional: without it, or
# with -DWHITTLE_DEMANGLE=OFF, generator/demangle_missing.c stands for generator/demangle.c. It has no
# pkg-config file. Sets WHITTLE_HAVE_DEMANGLE and the target whittle-iberty.

option(WHITTLE_DEMANGLE "Make names of C++ and Rust readable (needs libiberty)" ON)

set(WHITTLE_HAVE_DEMANGLE FALSE)
if(WHITTLE_DEMANGLE)
  include(CheckSymbolExists)
  find_path(IBERTY_INCLUDE_DIR libiberty/demangle.h)
  find_library(IBERTY_LIBRARY iberty)
  if(IBERTY_INCLUDE_DIR AND IBERTY_LIBRARY)
    set(CMAKE_REQUIRED_INCLUDES ${IBERTY_INCLUDE_DIR})
    set(CMAKE_REQUIRED_LIBRARIES ${IBERTY_LIBRARY})
    check_symbol_exists(rust_demangle_callback libiberty/demangle.h WHITTLE_HAVE_RUST_DEMANGLE)
    unset(CMAKE_REQUIRED_INCLUDES)
    unset(CMAKE_REQUIRED_LIBRARIES)
    set(WHITTLE_HAVE_DEMANGLE ${WHITTLE_HAVE_RUST_DEMANGLE})
  endif()
  if(WHITTLE_HAVE_DEMANGLE)
    add_library(whittle-iberty INTERFACE)
    target_include_directories(whittle-iberty SYSTEM INTERFACE ${IBERTY_INCLUDE_DIR})
    target_link_libraries(whittle-iberty INTERFACE ${IBERTY_LIBRARY})
    message(STATUS "Found libiberty")
  else()
    message(STATUS "libiberty is missing (package libiberty-dev): whittle explain will print names of "
                   "C++ and Rust as symbol tables have them")
  endif()
else()
  message(STATUS "Names of C++ and Rust are left as they are: WHITTLE_DEMANGLE is off")
endif()
