/* SPDX-License-Identifier: Apache-2.0 */
/* What --help prints, from the command tables. */
#pragma once

#include "base/buffer.h"
#include "cli/command.h"

/* The overview of all commands. */
void help_overview(Buffer *out);

/* One command's usage, options and details. */
void help_command(Buffer *out, const Command *command);
