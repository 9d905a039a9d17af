/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other programs' profiles and logs to a policy or a recording. A form is one row in importers[]
 * (import.c) and one file, import_FORM.c.
 *
 * What comes out says where it comes from: rules by their reason ("bane: WritablePaths, line 9"),
 * recordings by their run's backend. What cannot be carried over is told, never left out silently;
 * what is not understood is an error that names the place.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "model/policy.h"
#include "model/recording.h"

#include <stdbool.h>
#include <stddef.h>

/* One of the two is set. */
typedef struct Imported {
    Policy *policy; /* sorted */
    Recording *recording;
} Imported;

void imported_deinit(Imported *imported);

typedef struct ImportSource {
    const char *name; /* of the file, for messages */
    const char *text; /* ended by a NUL behind LENGTH */
    size_t length;
    const char *profile; /* which of several in the text; NULL: there is only one */
    /* Folders in which AppArmor's "include <…>" looks, in order; none: /etc/apparmor.d. */
    const char *const *include;
    size_t include_count;
} ImportSource;

typedef struct Importer {
    const char *form; /* "bane" */
    const char *what; /* "a TOML file of bane" */
    size_t limit;     /* bytes it takes at most */
    bool several;     /* a file may have more than one: ImportSource.profile */
    /* The text looks like it. */
    bool (*detect)(const ImportSource *source);
    /* Appends to NOTES, a line each, what a person should know. Sets *RET_IMPORTED on success
     * alone. -EINVAL with ERR naming file, line and what to do; -ENOTSUP where whittle is built
     * without the form's library; -ENOMEM. */
    int (*run)(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err);
} Importer;

/* All forms in the order in which they are tried. */
extern const Importer importers[];
extern const size_t importers_count;

const Importer *importer_by_form(const char *form);

/* Reads SOURCE as FORM, NULL: as what it looks like. *RET_IMPORTER (may be NULL) gets what it was
 * taken for. Errors as of Importer.run. */
int import_text(const ImportSource *source, const char *form, const Importer **ret_importer,
                Imported *ret_imported, Buffer *notes, Error *err);
