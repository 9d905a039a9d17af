/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine asks of a container runtime, read off the command line, which goes on to the real
 * runtime unchanged. Both ways of writing options are understood at once:
 *
 * - runc's (Go's package flag with urfave/cli): -bundle X, --bundle X, --bundle=X, -b X, -b=X;
 *   options may stand behind the container's name, but not behind that of exec;
 * - crun's (argp(3)): --bundle X, --bundle=X, unambiguous beginnings as --bund X, -b X, -bX, and
 *   letters in one word as -dt.
 *
 * Where they contradict each other: a word of one dash that is the whole name of an option is that
 * option (-bundle; crun would take it for -b undle). What only one of the two understands is read
 * as that one does, since the other ends with an error and makes no container. An option that is in
 * neither table is passed over; the word behind it is its value rather than the container if it
 * cannot be a container's name, or if there were more words than the command takes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct OciArguments {
    const char *command;   /* "create"; NULL: none */
    size_t command_index;  /* of it in argv; 0 without one */
    const char *container; /* its id; NULL: none */
    const char *bundle;    /* of create, run, restore: "." if not given; NULL for others */
    const char *config;    /* crun's --config FILE of create and run, in the bundle; else NULL */
    const char *root, *log, *log_format; /* NULL: not given */
    const char *pid_file;                /* NULL: not given */
    const char *process;                 /* exec --process FILE; NULL: not given */
    bool systemd_cgroup;
    bool detach;
    bool help; /* only help, usage or the version is wanted: nothing will run */
} OciArguments;

/* All texts are borrowed from ARGV. 0, or -EINVAL if there is not even ARGV[0]: whatever else is
 * wrong is for the runtime to say. */
int oci_arguments_read(int argc, char *const *argv, OciArguments *ret);
