# SPDX-License-Identifier: Apache-2.0
#
# whittle-hardening: what makes a mistake in whittle harder to use. On in the release preset. Each
# flag is tried first, because Clang and other architectures lack some.

include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)

option(WHITTLE_HARDEN "Compile and link with hardening flags" OFF)

add_library(whittle-hardening INTERFACE)
if(WHITTLE_HARDEN)
  # FORTIFY_SOURCE=3 came with GCC 12 and Clang 9; before, 3 is taken for 2 with a warning.
  if(CMAKE_C_COMPILER_ID STREQUAL GNU AND CMAKE_C_COMPILER_VERSION VERSION_LESS 12)
    set(fortify 2)
  else()
    set(fortify 3)
  endif()
  # It needs optimisation. Ubuntu's GCC defines it itself, hence -U first.
  target_compile_options(whittle-hardening
                         INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${fortify}>)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
               -ftrivial-auto-var-init=zero)
    string(MAKE_C_IDENTIFIER "have${flag}" variable)
    check_c_compiler_flag("${flag}" ${variable})
    if(${variable})
      target_compile_options(whittle-hardening INTERFACE ${flag})
    endif()
  endforeach()
  foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code)
    string(MAKE_C_IDENTIFIER "have${flag}" variable)
    check_linker_flag(C "${flag}" ${variable})
    if(${variable})
      target_link_options(whittle-hardening INTERFACE ${flag})
    endif()
  endforeach()
endif()

# CMAKE_POSITION_INDEPENDENT_CODE alone compiles for PIE; this makes it link so as well.
get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
list(REMOVE_ITEM languages NONE)
check_pie_supported(LANGUAGES ${languages})
