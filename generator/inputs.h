/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `generate` is given: recordings, folders of recordings, policies. Recordings of the same
 * image and service (compose's, or a pod's container) become one policy; those of another image
 * another one. Images are the same if their digests are, or, where a recording does not know it,
 * their references; recordings that know of no image are of the same one.
 */
#pragma once

#include "generator/pipeline.h"

typedef enum Grouping {
    GROUPING_IMAGE, /* a policy for each image and service */
    GROUPING_NONE,  /* one policy of all there is */
} Grouping;

typedef struct InputGroup {
    GenerateInput input;
    char *name;        /* can be the policy's name and a folder's; each group has another one */
    char *key;         /* images and services of all runs, in an order */
    char *image;       /* a reference, or else a digest; NULL: not known */
    char *service;     /* NULL: none */
    size_t recordings; /* that were given */
    bool has_digest;
} InputGroup;

typedef struct GenerateInputs {
    InputGroup *list; /* ordered by service, image, key: not by the order of the paths */
    size_t count;     /* at least 1 */
    size_t capacity;
} GenerateInputs;

void generate_inputs_deinit(GenerateInputs *inputs);

/*
 * Reads the files and folders at PATHS ("-": standard input). Of a folder that is every recording
 * in it or below; what is no recording, and links, are passed over there. Policies are united with
 * the recordings, which then must be of one group. Appends what a person should know to NOTES.
 * 0 or a negative errno with ERR, which names the file.
 */
int generate_inputs_read(char *const *paths, size_t count, Grouping grouping,
                         GenerateInputs *ret_inputs, Buffer *notes, Error *err);
