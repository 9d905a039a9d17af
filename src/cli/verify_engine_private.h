/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of verify_engine*.c share. */
#pragma once

#include "generator/findings_report.h"
#include "tracer/engine_run.h"

typedef struct EngineLayers {
    const Policy *policy;
    const EngineSeen *seen;
    bool runtime_filtered;       /* the recorder saw the runtime under a filter */
    const char *apparmor_reason; /* why AppArmor's profile is not in force; NULL: it is */
    Layer layers[POLICY_SECTION_COUNT];
    size_t count;
} EngineLayers;

/* Fills layers. 0 or -ENOMEM. */
int engine_layers_make(EngineLayers *layers, uint32_t sections);
void engine_layers_deinit(EngineLayers *layers);

/*
 * Appends to WORDS what the container NAME was made with, as options of `create`, then the image
 * and its command; to NOTES, a line each, what is not taken over. 0 or a negative errno with ERR.
 */
int engine_copy(const Engine *engine, const char *name, CommandLine *words, Buffer *notes,
                Error *err);
