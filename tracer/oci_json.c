/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading is jansson's. For changes a scanner walks over the text, which is known to be JSON then:
 * it needs to know where strings, brackets and commas are and nothing else. It never passes the NUL
 * at the end.
 */
#include "tracer/oci_json.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

void oci_json_drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

const char *oci_json_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- the scanner ----------------------------------------------------------------------------- */

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Behind the string that begins at P. */
static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++) {
        if (*p == '\\' && p[1])
            p++;
    }
    return *p ? p + 1 : p;
}

/* Behind the value that begins at P. */
static const char *skip_value(const char *p)
{
    size_t depth = 0;

    do {
        if (*p == '"') {
            p = skip_string(p);
            continue;
        }
        if (*p == '{' || *p == '[')
            depth++;
        else if (*p == '}' || *p == ']')
            depth--;
        else if (depth == 0)
            return p + strcspn(p, ",]} \t\r\n");
        p++;
    } while (depth > 0 && *p);
    return p;
}

/* How deep it goes; any text. */
static size_t depth_of(const char *p)
{
    size_t depth = 0, deepest = 0;

    while (*p) {
        if (*p == '"') {
            p = skip_string(p);
            continue;
        }
        if (*p == '{' || *p == '[')
            deepest = ++depth > deepest ? depth : deepest;
        else if ((*p == '}' || *p == ']') && depth > 0)
            depth--;
        p++;
    }
    return deepest;
}

/* A member or element: what is between two of the object's or array's "[{,]}". */
typedef struct Item {
    const char *begin; /* with the space before */
    const char *value;
    const char *end; /* with the space behind: at the comma or bracket */
} Item;

/* The one that begins at P, behind a bracket or comma. False: there is none, it is over. */
static bool read_item(const char *p, bool has_key, Item *ret)
{
    ret->begin = p;
    p = skip_space(p);
    if (*p == '}' || *p == ']' || *p == '\0')
        return false;
    if (has_key) {
        p = skip_space(skip_string(p));
        p = skip_space(p + (*p == ':'));
    }
    ret->value = p;
    ret->end = skip_space(skip_value(p));
    return true;
}

/* Is that the key of the string at P? It may be written with escapes. */
static bool is_key(const char *p, const char *key)
{
    const size_t length = (size_t)(skip_string(p) - p);

    if (!memchr(p, '\\', length))
        return length == strlen(key) + 2 && strncmp(p + 1, key, length - 2) == 0;
    CLEANUP(oci_json_drop) json_t *decoded = json_loadb(p, length, JSON_DECODE_ANY, NULL);
    const char *text = json_string_value(decoded);
    return text && strcmp(text, key) == 0;
}

/* The member KEY of the object at OBJECT. False: it has none. */
static bool find_member(const char *object, const char *key, Item *ret)
{
    Item item;

    if (*object != '{')
        return false;
    for (const char *p = object + 1; read_item(p, true, &item); p = item.end + 1) {
        if (is_key(skip_space(item.begin), key)) {
            *ret = item;
            return true;
        }
        if (*item.end != ',')
            return false;
    }
    return false;
}

/* The member that KEYS lead to, and the object that has it; that alone if there is no such member.
 * False: not even that is there. */
static bool find_place(const char *text, const char *const *keys, const char **ret_object,
                       Item *ret_item, bool *ret_found)
{
    const char *object = skip_space(text);

    for (; keys[0]; keys++) {
        Item item;
        const bool found = find_member(object, keys[0], &item);
        if (!found && (keys[1] || *object != '{'))
            return false;
        if (!keys[1]) {
            *ret_object = object;
            *ret_found = found;
            if (found)
                *ret_item = item;
            return true;
        }
        object = item.value;
    }
    return false;
}

static int append_range(Buffer *out, const char *from, const char *to)
{
    return buffer_append(out, from, (size_t)(to - from));
}

int oci_json_drop_elements(const char *text, const char *const *keys, const bool *drop,
                           size_t count, Buffer *out)
{
    const char *object;
    Item array, element = {0};
    bool found;
    bool first = true;
    size_t i = 0;

    if (!find_place(text, keys, &object, &array, &found) || !found || *array.value != '[')
        return -ENOENT;
    const char *p = array.value + 1;
    (void)append_range(out, text, p);
    for (; read_item(p, false, &element); p = element.end + 1) {
        const bool dropped = i < count && drop[i];
        i++;
        if (!dropped) {
            if (!first)
                (void)buffer_putc(out, ',');
            (void)append_range(out, element.begin, element.end);
            first = false;
        }
        if (*element.end != ',') {
            p = element.end;
            break;
        }
    }
    return buffer_puts(out, skip_space(p));
}

int oci_json_value(const char *text, const char *const *keys, Buffer *out)
{
    const char *object;
    Item item;
    bool found;

    if (!find_place(text, keys, &object, &item, &found) || !found)
        return -ENOENT;
    return append_range(out, item.value, skip_value(item.value));
}

int oci_json_remove(const char *text, const char *const *keys, Buffer *out)
{
    const char *object;
    Item item;
    bool found;

    if (!find_place(text, keys, &object, &item, &found) || !found)
        return -ENOENT;
    /* One of the commas beside it goes with it. */
    const char *from = item.begin;
    const char *to = item.end;
    if (*to == ',')
        to++;
    else if (from > object + 1)
        from--;
    (void)append_range(out, text, from);
    return buffer_puts(out, to);
}

int oci_json_set(const char *text, const char *const *keys, const char *value, Buffer *out)
{
    const char *object;
    Item item;
    bool found;

    if (!find_place(text, keys, &object, &item, &found))
        return -ENOENT;
    if (found) {
        (void)append_range(out, text, item.value);
        (void)buffer_puts(out, value);
        return buffer_puts(out, skip_value(item.value));
    }
    while (keys[1])
        keys++;
    CLEANUP(oci_json_drop) json_t *key = json_string(keys[0]);
    CLEANUP(free_pointer) char *quoted = key ? json_dumps(key, JSON_ENCODE_ANY) : NULL;
    if (!quoted)
        return -ENOMEM;
    (void)append_range(out, text, object + 1);
    (void)buffer_printf(out, "%s:", quoted);
    (void)buffer_puts(out, value);
    if (*skip_space(object + 1) != '}')
        (void)buffer_putc(out, ',');
    return buffer_puts(out, object + 1);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Whatever is in TEXT. */
static int parse(const char *name, const char *text, size_t length, json_t **ret, Error *err)
{
    json_error_t error;

    if (length > OCI_JSON_BYTES_MAX)
        return error_set(err, -EFBIG, "%s: larger than the limit of %d bytes", name,
                         OCI_JSON_BYTES_MAX);
    if (strlen(text) != length)
        return error_set(err, -EINVAL, "%s: holds a zero byte", name);
    if (depth_of(text) > OCI_JSON_DEPTH_MAX)
        return error_set(err, -EINVAL, "%s: more than %d brackets in each other", name,
                         OCI_JSON_DEPTH_MAX);
    json_t *json =
        json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (!json)
        return error_set(err,
                         json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EINVAL,
                         "%s:%d:%d: %s", name, error.line, error.column, error.text);
    *ret = json;
    return 0;
}

static int read_text(const char *path, Buffer *out, Error *err)
{
    /* Not to wait for the writer of a pipe. */
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, errno, "%s: cannot open", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "%s: is no ordinary file", path);
    const int r = read_fd(fd, out, OCI_JSON_BYTES_MAX);
    return r < 0 ? error_errno(err, r, "%s: cannot read", path) : 0;
}

int oci_json_parse(const char *name, const char *text, size_t length, json_t **ret, Error *err)
{
    CLEANUP(oci_json_drop) json_t *json = NULL;
    const int r = parse(name, text, length, &json, err);

    if (r < 0)
        return r;
    if (!json_is_object(json))
        return error_set(err, -EINVAL, "%s: is no JSON object", name);
    *ret = TAKE(json);
    return 0;
}

int oci_json_read(const char *path, Buffer *ret_text, json_t **ret, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    int r = read_text(path, &text, err);

    if (r == 0)
        r = oci_json_parse(path, buffer_text(&text), text.length, ret, err);
    if (r < 0)
        return r;
    *ret_text = text;
    text = BUFFER_INIT;
    return 0;
}

int oci_json_read_array(const char *path, json_t **ret, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(oci_json_drop) json_t *json = NULL;
    int r = read_text(path, &text, err);

    if (r == 0)
        r = parse(path, buffer_text(&text), text.length, &json, err);
    if (r < 0)
        return r;
    if (!json_is_array(json))
        return error_set(err, -EINVAL, "%s: is no JSON array", path);
    *ret = TAKE(json);
    return 0;
}
