/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle verify --lab`: the same verification in a small virtual machine whose kernel has
 * AppArmor, with this machine's files. */
#pragma once

#include "cli/command.h"

/* Runs the program that runs the machine, under the guard: an exit status. */
int verify_in_lab(const Parsed *parsed);
