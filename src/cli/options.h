/* SPDX-License-Identifier: Apache-2.0 */
/* A command line by its command's option table; getopt_long(3) does the work. */
#pragma once

#include "cli/command.h"

typedef enum ParseVerdict {
    PARSE_RUN = 0,
    PARSE_HELP = 1, /* --help was asked for */
} ParseVerdict;

/*
 * Parses argv[1]… for COMMAND; argv[0] is the command's name. Gives a ParseVerdict, or -EINVAL
 * after having said what is wrong and what was perhaps meant. parsed_deinit() after success.
 */
int parsed_init(Parsed *parsed, const Command *command, int argc, char **argv);
void parsed_deinit(Parsed *parsed);
