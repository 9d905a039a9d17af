/* SPDX-License-Identifier: Apache-2.0 */
/* A custom resource of the Security Profiles Operator: what the parts of its import share. */
#pragma once

#include "generator/import_private.h"

#include <yaml.h>

typedef struct Spo {
    const ImportSource *source;
    yaml_document_t *document; /* of what is imported */
    yaml_node_t *resource;     /* the mapping with "kind" */
    const char *kind;
    const char *name; /* metadata.name, "" without */
    Buffer *notes;
    Error *err;
} Spo;

/* The value of KEY in the mapping NODE (NULL allowed), NULL if it is not there. */
yaml_node_t *spo_get(const Spo *spo, const yaml_node_t *node, const char *key);

/* The text of a scalar, NULL of anything else. */
const char *spo_text(const yaml_node_t *node);

/* "FILE:LINE:COLUMN: …" of NODE. -EINVAL. */
int spo_error(const Spo *spo, const yaml_node_t *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "FILE:LINE: …" of NODE, a line of the notes. */
void spo_note(const Spo *spo, const yaml_node_t *node, const char *text);

/* NODE (NULL allowed) is a mapping called WHAT with no other keys than KEYS, ended by NULL. 0 or
 * -EINVAL. */
int spo_check_keys(const Spo *spo, const yaml_node_t *node, const char *what,
                   const char *const *keys);

/* spec.abstract of an AppArmorProfile. 0 or a negative errno. */
int spo_import_abstract(const Spo *spo, yaml_node_t *abstract, Imported *ret_imported);
