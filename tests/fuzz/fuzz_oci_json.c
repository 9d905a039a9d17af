/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that is changed as text: what comes out is JSON again, with the change and no other. */
#include "base/memory.h"
#include "require.h"
#include "tracer/oci_json.h"

#include <errno.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* TEXT is JSON. */
static struct json_t *parse(const Buffer *text)
{
    struct json_t *json = NULL;

    require(oci_json_parse("changed", buffer_text(text), text->length, &json, NULL) == 0);
    return json;
}

/* Sets KEYS to a text that no corpus has, looks for it, and takes it away again. */
static void set_and_remove(const char *text, const char *const *keys)
{
    CLEANUP(buffer_deinit) Buffer with = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer without = BUFFER_INIT;
    CLEANUP(oci_json_drop) struct json_t *json = NULL;

    const int r = oci_json_set(text, keys, "\"whale\"", &with);
    require(r == 0 || r == -ENOENT);
    if (r < 0)
        return;
    json = parse(&with);
    if (!keys[1])
        require(strcmp(oci_json_text(json, keys[0]), "whale") == 0);
    oci_json_drop(&json);
    require(oci_json_remove(buffer_text(&with), keys, &without) == 0);
    json = parse(&without);
    if (!keys[1])
        require(oci_json_text(json, keys[0]) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const env[] = {"process", "env", NULL};
    static const char *const root[] = {"root", NULL};
    static const char *const seccomp[] = {"linux", "seccomp", NULL};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer dropped = BUFFER_INIT;
    CLEANUP(oci_json_drop) struct json_t *json = NULL;
    CLEANUP(oci_json_drop) struct json_t *after = NULL;
    const bool drop[] = {true, false, true, true};
    Error err = {0};

    require(buffer_append(&text, data, size) == 0);
    if (oci_json_parse("fuzz", buffer_text(&text), text.length, &json, &err) < 0) {
        require(json == NULL && err.code < 0 && err.text[0] != '\0');
        return 0;
    }
    if (oci_json_drop_elements(buffer_text(&text), env, drop, ARRAY_LENGTH(drop), &dropped) == 0)
        after = parse(&dropped);
    set_and_remove(buffer_text(&text), root);
    set_and_remove(buffer_text(&text), seccomp);
    return 0;
}
