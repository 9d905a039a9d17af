/* SPDX-License-Identifier: Apache-2.0 */
/* Texts as the formats of reports take them. */
#pragma once

#include "base/buffer.h"

#include <jansson.h>

/* Bytes that are no UTF-8, and control characters, are escaped (base/escape.h); NULL is null. */
json_t *report_json_text(const char *text);

/* Appends the text of ROOT, which it takes (NULL: no memory), and a newline; FLAGS are Jansson's.
 */
int report_json_dump(json_t *root, size_t flags, Buffer *out);

/* TEXT as content or attribute of XML; 0 or -ENOMEM. */
int report_put_xml(const char *text, Buffer *out);

/* PATH as a URI, relative if it is; "-" is "stdin". */
int report_put_uri(const char *path, Buffer *out);
