/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of whittle is one row in commands[] (cli/commands.c) and one file, cmd_NAME.c, that
 * defines it. Its option table is the one source of parsing, --help, the manual page and the shell
 * completions.
 *
 * This layer alone prints and exits: results to standard output, messages through message().
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses, docs/man/whittle.1. `record` passes on the workload's and has three of its own. */
enum {
    EXIT_YES = 0,
    EXIT_NO = 1,      /* the answer is no */
    EXIT_USAGE = 2,   /* usage or bad input, or a result that could not be written */
    EXIT_MACHINE = 3, /* this machine cannot; the message says what to do about it */
    EXIT_RECORD_FAILED = 125,
    EXIT_CANNOT_EXECUTE = 126,
    EXIT_NOT_FOUND = 127,
};

/* What a shell completes a value with. */
typedef enum ValueKind {
    VALUE_NONE, /* a flag: takes no value */
    VALUE_TEXT,
    VALUE_FILE,
    VALUE_FOLDER,
    VALUE_WORDS, /* one of `words` */
    VALUE_LIST,  /* a comma-separated list of `words` */
} ValueKind;

typedef struct Option {
    const char *name; /* long name without dashes; NULL ends a table */
    char letter;      /* short one, 0 none */
    ValueKind kind;
    const char *value; /* how help calls the value ("REC"); NULL with VALUE_NONE */
    const char *words; /* for VALUE_WORDS and VALUE_LIST: "auto notify ptrace" */
    const char *help;  /* one sentence, no full stop */
} Option;

typedef struct Command Command;

typedef struct ParsedOption {
    const Option *option;
    const char *value; /* NULL with VALUE_NONE */
} ParsedOption;

/* The options that were given, in the order of the command line. */
typedef struct Parsed {
    const Command *command;
    ParsedOption *options;
    size_t options_count;
    char **arguments; /* the rest; NULL-terminated; points into argv */
    int arguments_count;
} Parsed;

struct Command {
    const char *name;
    const char *summary;   /* one line, no full stop */
    const char *usage;     /* what follows the name: "[-o REC] -- CMD…" */
    const Option *options; /* ended by a NULL name; --help is not in it */
    const char *details;   /* paragraphs for --help and the manual page, blank lines between */
    ValueKind arguments;   /* what its arguments are, for completion; VALUE_NONE: it takes none */
    int arguments_min;     /* fewer is a usage error */
    int arguments_max;     /* -1: no limit */
    bool stop_at_argument; /* options end at the first argument even without "--" (CMD…) */
    int (*run)(const Parsed *parsed); /* gives the exit status */
};

/* All commands in the order of help, ended by NULL. */
extern const Command *const commands[];

const Command *command_by_name(const char *name);

/* ---- options -------------------------------------------------------------------------------- */

/* The last value given for NAME, FALLBACK if it was not. NAME must be in the command's table. */
const char *parsed_value(const Parsed *parsed, const char *name, const char *fallback);

/* Was NAME given? */
bool parsed_flag(const Parsed *parsed, const char *name);

/* The I-th value of an option that may be given often; NULL past the last. */
const char *parsed_nth(const Parsed *parsed, const char *name, size_t i);

/* ---- messages ------------------------------------------------------------------------------- */

/* "whittle: TEXT" on standard error. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As message(), followed by a line that says how to get help. Returns EXIT_USAGE. */
int usage_error(const Command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says what ERR says and gives STATUS, to be returned by run(). */
int fail(int status, const Error *err);

/* ---- colour --------------------------------------------------------------------------------- */

typedef enum Colour {
    COLOUR_PLAIN,
    COLOUR_BOLD,
    COLOUR_DIM,
    COLOUR_RED,
    COLOUR_GREEN,
    COLOUR_YELLOW,
    COLOUR_COUNT,
} Colour;

/* The escape sequence to switch to COLOUR on FD (1 or 2); "" where FD is no terminal, TERM is dumb,
 * or NO_COLOR is set. */
const char *colour(int fd, Colour which);
