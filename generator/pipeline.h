/* SPDX-License-Identifier: Apache-2.0 */
/* From the texts of recordings and policies to one policy, and from that to files. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "generator/generalise.h"
#include "model/policy.h"
#include "model/recording.h"

#include <stdbool.h>

typedef struct GenerateOptions {
    const char *name; /* NULL: the policy's, else after the recorded command */
    const char
        *runtimes;   /* names with commas between, "none"; NULL: the policy's, else all known */
    int deny_action; /* POLICY_ALLOW: the policy's, else EPERM */
    bool conditions;
    Generalise generalise;
} GenerateOptions;

/* Inputs read so far: all recordings as one, all policies as one. */
typedef struct GenerateInput {
    Recording *recording; /* NULL: none */
    Policy *policy;       /* NULL: none */
} GenerateInput;

void generate_input_deinit(GenerateInput *input);

/* Adds the file at PATH ("-" standard input), a recording or a policy. */
int generate_input_add(GenerateInput *input, const char *path, Error *err);

/* How the policy of RECORDING is called if nobody says, after the run whose service, image or
 * command sorts first, into NAME of SIZE; "" if nothing there can be a name. */
void generate_name_after(Recording *recording, char *name, size_t size);

/* The sorted policy of all INPUT. Appends what a person should know to NOTES, a line each. */
int generate_policy(GenerateInput *input, const GenerateOptions *options, Policy **ret_policy,
                    Buffer *notes, Error *err);

/*
 * Writes the files of FORMATS (commas between; NULL: those by default) into FOLDER, which is made.
 * POLICY_TEXT is what policy.yaml is to hold, NULL for POLICY as whittle writes it.
 */
int generate_files(const Policy *policy, const Buffer *policy_text, const char *folder,
                   const char *formats, Buffer *notes, Error *err);
