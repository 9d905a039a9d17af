/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of container runtimes and the options that each takes, for oci_arguments.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What an option takes. */
typedef enum OciTakes {
    TAKES_NOTHING, /* a bool: --x=true and --x=false as well */
    TAKES_VALUE,
    TAKES_ATTACHED, /* only as --x=VALUE or -xVALUE, argp's OPTION_ARG_OPTIONAL */
} OciTakes;

/* Which member of OciArguments keeps it. */
typedef enum OciKept {
    KEEP_NOTHING,
    KEEP_BUNDLE,
    KEEP_CONFIG,
    KEEP_ROOT,
    KEEP_LOG,
    KEEP_LOG_FORMAT,
    KEEP_PID_FILE,
    KEEP_PROCESS,
    KEEP_CGROUP_MANAGER,
    KEEP_SYSTEMD_CGROUP,
    KEEP_DETACH,
    KEEP_HELP,
} OciKept;

typedef struct OciOption {
    const char *name; /* NULL: it has a letter only */
    char letter;      /* 0: none */
    OciTakes takes;
    OciKept kept;
} OciOption;

typedef struct OciCommand {
    const char *name;
    const OciOption *options; /* ended by one with neither name nor letter */
    unsigned words;           /* that it takes at most */
    bool in_order;            /* the first word ends the options */
    bool has_bundle;
    bool has_container;
} OciCommand;

/* Those before the command; ended as above. */
extern const OciOption oci_global_options[];

/* Help, and what a newer runtime has. */
extern const OciCommand oci_command_other;

/* The command of that name, or NULL. */
const OciCommand *oci_command_find(const char *name);

/* The one of that letter, or NULL. */
const OciOption *oci_option_by_letter(const OciOption *options, char letter);

/* The one called as the LENGTH bytes at NAME; with MAY_BE_CUT also the only one that begins so.
 * NULL: there is none. */
const OciOption *oci_option_by_name(const OciOption *options, const char *name, size_t length,
                                    bool may_be_cut);
