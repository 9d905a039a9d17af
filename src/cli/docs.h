/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages and shell completions, from the command tables. */
#pragma once

#include "base/buffer.h"
#include "cli/command.h"

/* whittle-NAME(1) in roff. */
void docs_man(Buffer *out, const Command *command, const char *version);

void docs_bash(Buffer *out);
void docs_zsh(Buffer *out);
void docs_fish(Buffer *out);
