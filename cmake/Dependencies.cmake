# SPDX-License-Identifier: Apache-2.0
#
# Finds what whittle is built from. docs/DEPENDENCIES.md says what each is for. A missing one stops
# the configuration with the name of the Debian and Ubuntu package that has it.

find_package(PkgConfig)
if(NOT PkgConfig_FOUND)
  message(FATAL_ERROR "pkg-config is missing. Install the package pkg-config, "
                      "or run script/bootstrap, which installs all that whittle needs.")
endif()

# whittle_require(PREFIX MODULE PACKAGE): the imported target PkgConfig::PREFIX from pkg-config's
# MODULE ("libseccomp>=2.5.0"), which PACKAGE provides.
function(whittle_require prefix module package)
  pkg_check_modules(${prefix} QUIET IMPORTED_TARGET GLOBAL "${module}")
  if(NOT ${prefix}_FOUND)
    message(FATAL_ERROR "${module} is missing. Install the package ${package}, "
                        "or run script/bootstrap, which installs all that whittle needs.")
  endif()
  message(STATUS "Found ${module} (${${prefix}_VERSION})")
endfunction()

whittle_require(SECCOMP "libseccomp>=2.5.0" libseccomp-dev)
whittle_require(JANSSON "jansson>=2.12" libjansson-dev)
whittle_require(YAML "yaml-0.1>=0.2.0" libyaml-dev)
whittle_require(CAP "libcap>=2.40" libcap-dev)
find_path(UTHASH_INCLUDE_DIR uthash.h)
if(NOT UTHASH_INCLUDE_DIR)
  message(FATAL_ERROR "uthash.h is missing. Install the package uthash-dev, "
                      "or run script/bootstrap, which installs all that whittle needs.")
endif()
# Where whittle is only built, the package that its tests need may be missing.
set(WHITTLE_TESTS OFF)
if(BUILD_TESTING)
  pkg_check_modules(CHECK QUIET IMPORTED_TARGET GLOBAL "check>=0.15.0")
  if(CHECK_FOUND)
    set(WHITTLE_TESTS ON)
    message(STATUS "Found check (${CHECK_VERSION})")
  else()
    message(STATUS "check>=0.15.0 is missing (package check): the tests are not built")
  endif()
endif()

find_package(Python3 3.8 COMPONENTS Interpreter)
if(NOT Python3_Interpreter_FOUND)
  message(FATAL_ERROR "Python 3.8 or newer is missing; the build compiles profiles/ with it. "
                      "Install the package python3, or run script/bootstrap.")
endif()
