/* SPDX-License-Identifier: Apache-2.0 */
/* A container engine's command line, Docker's or Podman's, called without a shell. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The words of a command line, for execve(2). All owned; empty: {0}. */
typedef struct CommandLine {
    char **list; /* ended by NULL; NULL while nothing was added */
    size_t count, capacity;
} CommandLine;

void command_line_deinit(CommandLine *words);

/* Both: 0 or -ENOMEM. */
int command_line_add(CommandLine *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int command_line_add_all(CommandLine *words, const char *const *list); /* ended by NULL */

typedef struct Engine {
    char *program; /* its path; owned */
    bool is_podman;
} Engine;

void engine_deinit(Engine *engine);

/* NAME is the engine's program, in PATH or with its path: what has "podman" in its file's name is
 * taken for Podman. NULL: docker, or else podman. 0 or a negative errno with ERR. */
int engine_find(const char *name, Engine *ret_engine, Error *err);

/* Starts the program with WORDS behind its name and no signal blocked. OUTPUT and ERRORS are
 * descriptors for what it prints, negative: whittle's own. Its number, or a negative errno. */
pid_t engine_start(const Engine *engine, const CommandLine *words, int output, int errors);

/* The same with any program, whose path is the first word. */
pid_t command_line_start(const CommandLine *words, int output, int errors);

/* Runs it to its end. Appends what it prints to OUT (NULL: to nothing). 0, or a negative errno with
 * ERR: -ECHILD if it failed, with the last line that it said. */
int engine_ask(const Engine *engine, const CommandLine *words, Buffer *out, Error *err);
