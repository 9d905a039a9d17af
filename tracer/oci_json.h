/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON of engines, read with limits, and changed as text: what is not meant stays as it was to the
 * byte, be it numbers beyond 64 bits (limits of 18446744073709551615 are usual) or order.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

struct json_t;

enum { OCI_JSON_BYTES_MAX = 8 * 1024 * 1024, OCI_JSON_DEPTH_MAX = 64 };

/* For CLEANUP(). */
void oci_json_drop(struct json_t **json);

/* The object in LENGTH bytes of TEXT; every number is a real one. A key twice is an error: the
 * runtime might take the other. NAME is for ERR. */
int oci_json_parse(const char *name, const char *text, size_t length, struct json_t **ret,
                   Error *err);

/* The object in an ordinary file, and its text. */
int oci_json_read(const char *path, Buffer *ret_text, struct json_t **ret, Error *err);

/* The array in an ordinary file. */
int oci_json_read_array(const char *path, struct json_t **ret, Error *err);

/* The text of member KEY of OBJECT; NULL if it is not there or no text. */
const char *oci_json_text(const struct json_t *object, const char *key);

/*
 * Changes of a text that oci_json_parse() takes. KEYS, ended by NULL, lead from the outermost
 * object to what is meant. -ENOENT if that is not there. The result is appended to OUT.
 */

/* Leaves out those elements of an array of COUNT for which DROP is true. */
int oci_json_drop_elements(const char *text, const char *const *keys, const bool *drop,
                           size_t count, Buffer *out);

/* The text of a member's value. */
int oci_json_value(const char *text, const char *const *keys, Buffer *out);

/* Leaves out a member of an object. */
int oci_json_remove(const char *text, const char *const *keys, Buffer *out);

/* Gives a member the value VALUE, which is JSON; adds it as the first if it is not there, but its
 * object must be. */
int oci_json_set(const char *text, const char *const *keys, const char *value, Buffer *out);
