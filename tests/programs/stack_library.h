/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A function that has a frame of its own. clang makes no clones. */
#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

/* Calls WHAT from two functions of a shared library, of which the inner one has no symbol in the
 * dynamic table. */
void stack_library_call(void (*what)(void));
