/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Calls WHAT from two functions of a shared library, of which the inner one has no symbol in the
 * dynamic table. */
void stack_library_call(void (*what)(void));
