/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle verify --lab`: the same verification in a small virtual machine whose kernel has
 * AppArmor, with this machine's files. */
#pragma once

#include "cli/command.h"

/* Becomes the program that runs the machine. Gives an exit status only where it cannot. */
int verify_in_lab(const Parsed *parsed);
