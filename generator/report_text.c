/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/report_text.h"

#include "base/escape.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>

json_t *report_json_text(const char *text)
{
    CLEANUP(buffer_deinit) Buffer escaped = BUFFER_INIT;

    if (!text)
        return json_null();
    return escape_append(&escaped, text, strlen(text)) < 0 ? NULL
                                                           : json_string(buffer_text(&escaped));
}

int report_put_xml(const char *text, Buffer *out)
{
    static const struct {
        char byte;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};
    CLEANUP(buffer_deinit) Buffer escaped = BUFFER_INIT;

    if (escape_append(&escaped, text, strlen(text)) < 0)
        out->error = -ENOMEM;
    for (const char *c = buffer_text(&escaped); *c; c++) {
        size_t i = 0;
        while (i < ARRAY_LENGTH(entities) && entities[i].byte != *c)
            i++;
        if (i < ARRAY_LENGTH(entities))
            (void)buffer_puts(out, entities[i].entity);
        else
            (void)buffer_putc(out, *c);
    }
    return out->error;
}

int report_put_uri(const char *path, Buffer *out)
{
    if (strcmp(path, "-") == 0)
        return buffer_puts(out, "stdin");
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    if (*path == '/')
        (void)buffer_puts(out, "file://");
    for (; *path; path++) {
        if (isalnum((unsigned char)*path) || strchr("/._-~", *path))
            (void)buffer_putc(out, *path);
        else
            (void)buffer_printf(out, "%%%02X", (unsigned char)*path);
    }
    return out->error;
}

int report_json_dump(json_t *root, size_t flags, Buffer *out)
{
    CLEANUP(json_decrefp) json_t *owned = root;
    CLEANUP(free_pointer) char *text = owned ? json_dumps(owned, flags) : NULL;

    if (!text)
        return -ENOMEM;
    (void)buffer_puts(out, text);
    return buffer_putc(out, '\n');
}
