/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration from YAML, by libyaml's events: a stream of one mapping of scalars. */
#include "tracer/oci_config.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"
#include "model/mark.h"
#include "model/yaml_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

enum { CONFIG_SIZE_MAX = 64 * 1024, OVERFLOW_UID = 65534 };

#define DEFAULT_RUNTIME "runc"
#define DEFAULT_OUTPUT  "/var/lib/whittle"
enum { DEFAULT_KEEP_READY = 15 };
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void oci_config_deinit(OciConfig *config)
{
    free(config->runtime);
    free(config->output);
    free(config->label);
    *config = (OciConfig){0};
}

const char *oci_config_path(bool *ret_may_be_missing)
{
    const char *path = secure_getenv(OCI_CONFIG_VARIABLE);

    *ret_may_be_missing = !path || !*path;
    return *ret_may_be_missing ? OCI_CONFIG_PATH : path;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Each sets its part of CONFIG from TEXT: 0, -EINVAL if it may not be that, or -ENOMEM. */

static int set_text(char **text, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(*text);
    *text = copy;
    return 0;
}

static bool has_controls(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    }
    return false;
}

static int set_runtime(OciConfig *config, const char *text)
{
    if (!*text || has_controls(text) || (text[0] != '/' && strchr(text, '/')))
        return -EINVAL;
    return set_text(&config->runtime, text);
}

/* "." and ".." would make it unclear what is below. */
static int set_output(OciConfig *config, const char *text)
{
    if (text[0] != '/' || has_controls(text))
        return -EINVAL;
    for (const char *part = text; (part = strchr(part, '/')) != NULL;) {
        part++;
        const size_t length = strcspn(part, "/");
        if (length > 0 && length <= 2 && strncmp(part, "..", length) == 0)
            return -EINVAL;
    }
    return set_text(&config->output, text);
}

static int set_label(OciConfig *config, const char *text)
{
    if (!*text || strlen(text) > MARK_LABEL_MAX || has_controls(text))
        return -EINVAL;
    return set_text(&config->label, text);
}

static int set_on_failure(OciConfig *config, const char *text)
{
    if (strcmp(text, "run") == 0)
        config->on_failure = OCI_ON_FAILURE_RUN;
    else if (strcmp(text, "refuse") == 0)
        config->on_failure = OCI_ON_FAILURE_REFUSE;
    else
        return -EINVAL;
    return 0;
}

static int set_backend(OciConfig *config, const char *text)
{
    static const struct {
        const char *name;
        OciBackend backend;
    } backends[] = {
        {"auto", OCI_BACKEND_AUTO},
        {"bpf", OCI_BACKEND_BPF},
        {"listener", OCI_BACKEND_LISTENER},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(backends); i++) {
        if (strcmp(text, backends[i].name) == 0) {
            config->backend = backends[i].backend;
            return 0;
        }
    }
    return -EINVAL;
}

static int set_keep_ready(OciConfig *config, const char *text)
{
    char *end;
    const long minutes = strtol(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || minutes > 1440)
        return -EINVAL;
    config->keep_ready = (unsigned)minutes;
    return 0;
}

static int set_permissive(OciConfig *config, const char *text)
{
    config->permissive = strcmp(text, "true") == 0;
    return config->permissive || strcmp(text, "false") == 0 ? 0 : -EINVAL;
}

static const struct {
    const char *name;
    int (*set)(OciConfig *config, const char *text);
    const char *allowed;
} keys[] = {
    {"backend", set_backend, "auto, bpf or listener"},
    {"keep-ready", set_keep_ready, "minutes, from 0 to 1440"},
    {"label", set_label, "a text of 1 to 255 bytes"},
    {"on-failure", set_on_failure, "run or refuse"},
    {"output", set_output, "the absolute path of a folder, without \".\" and \"..\""},
    {"permissive", set_permissive, "true or false"},
    {"runtime", set_runtime, "a program's name, or its absolute path"},
};

#define KEY_NAMES "backend, keep-ready, label, on-failure, output, permissive and runtime"

/* ---- YAML ------------------------------------------------------------------------------------ */

typedef struct Reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one looked at; deleted before the next is taken */
    bool has_event;
    const char *name;
    OciConfig *config;
    uint32_t keys_seen;
    Error *err;
} Reader;

/* Puts where it is before what ERR says already. */
static int at_mark(Reader *reader, const yaml_mark_t *mark, int code)
{
    return yaml_error_at(reader->name, mark, code, reader->err);
}

static int next(Reader *reader)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    reader->has_event = false;
    if (!yaml_parser_parse(&reader->parser, &reader->event))
        return yaml_error_set(reader->name, &reader->parser, reader->err);
    reader->has_event = true;
    return 0;
}

/* The text of the event looked at; NULL, with a complaint, if it is not simply a text. */
static const char *scalar(Reader *reader, const char *what)
{
    const yaml_event_t *event = &reader->event;

    if (event->type == YAML_SCALAR_EVENT && !event->data.scalar.anchor) {
        const char *text = (const char *)event->data.scalar.value;
        if (strlen(text) == event->data.scalar.length)
            return text;
    }
    (void)at_mark(reader, &event->start_mark,
                  error_set(reader->err, -EINVAL, "%s is expected here", what));
    return NULL;
}

static int parse_value(Reader *reader, size_t key)
{
    const int r = next(reader);
    if (r < 0)
        return r;
    const char *text = scalar(reader, keys[key].allowed);
    if (!text)
        return -EINVAL;
    const int set = keys[key].set(reader->config, text);
    if (set == -ENOMEM)
        return error_errno(reader->err, set, "%s", reader->name);
    if (set < 0)
        return at_mark(reader, &reader->event.start_mark,
                       error_set(reader->err, set, "%s: \"%.100s\" is not allowed: write %s",
                                 keys[key].name, text, keys[key].allowed));
    return 0;
}

static int parse_key(Reader *reader)
{
    const char *name = scalar(reader, "a key");

    if (!name)
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (strcmp(keys[i].name, name) != 0)
            continue;
        if (reader->keys_seen & UINT32_C(1) << i)
            return at_mark(reader, &reader->event.start_mark,
                           error_set(reader->err, -EINVAL, "\"%s\" is here a second time", name));
        reader->keys_seen |= UINT32_C(1) << i;
        return parse_value(reader, i);
    }
    return at_mark(
        reader, &reader->event.start_mark,
        error_set(reader->err, -EINVAL, "\"%.100s\" is no key: there are " KEY_NAMES, name));
}

/* Moves on and wants an event of TYPE there. */
static int next_is(Reader *reader, yaml_event_type_t type, const char *what)
{
    const int r = next(reader);

    if (r < 0 || reader->event.type == type)
        return r;
    return at_mark(reader, &reader->event.start_mark,
                   error_set(reader->err, -EINVAL, "%s is expected here", what));
}

static int parse_stream(Reader *reader)
{
    int r = next_is(reader, YAML_STREAM_START_EVENT, "YAML");

    if (r == 0)
        r = next(reader);
    if (r < 0 || reader->event.type == YAML_STREAM_END_EVENT)
        return r; /* nothing but comments */
    r = next_is(reader, YAML_MAPPING_START_EVENT, "\"key: value\"");
    while (r == 0 && (r = next(reader)) == 0 && reader->event.type != YAML_MAPPING_END_EVENT)
        r = parse_key(reader);
    if (r == 0)
        r = next_is(reader, YAML_DOCUMENT_END_EVENT, "the end");
    return r == 0 ? next_is(reader, YAML_STREAM_END_EVENT, "the end of the file") : r;
}

int oci_config_parse(const char *name, const char *text, size_t length, OciConfig *ret, Error *err)
{
    Error unused = {0};
    CLEANUP(oci_config_deinit)
    OciConfig config = {.runtime = strdup(DEFAULT_RUNTIME),
                        .output = strdup(DEFAULT_OUTPUT),
                        .keep_ready = DEFAULT_KEEP_READY};
    Reader reader = {.name = name, .config = &config, .err = err ? err : &unused};

    if (!config.runtime || !config.output || !yaml_parser_initialize(&reader.parser))
        return error_errno(err, -ENOMEM, "%s", name);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    const int r = parse_stream(&reader);
    if (reader.has_event)
        yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    if (r < 0)
        return r;
    *ret = config;
    config = (OciConfig){0};
    return 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* In a user namespace that does not know the machine's root (rootless Podman) root's files seem
 * nobody's. So do others' that it does not know; but whoever is root there alone may start what the
 * file names without it, too. */
static bool may_be_hidden_root(uid_t owner)
{
    char map[256];
    unsigned long inside, outside, count;

    return owner == OVERFLOW_UID && procfs_read_task(getpid(), "uid_map", map, sizeof map) >= 0 &&
           sscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 && count < UINT32_MAX;
}

static int check_owner(int fd, const char *path, Error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return error_errno(err, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "%s: is no ordinary file", path);
    if (st.st_uid != 0 && st.st_uid != geteuid() && !may_be_hidden_root(st.st_uid))
        return error_set(err, -EPERM,
                         "%s: belongs to user %u; it must belong to root (chown root:root %s)",
                         path, st.st_uid, path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return error_set(err, -EPERM,
                         "%s: others than its owner may write it; take that away (chmod go-w %s)",
                         path, path);
    return 0;
}

int oci_config_read(const char *path, bool may_be_missing, OciConfig *ret, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    /* Not to wait for the writer of a pipe. */
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 && errno == ENOENT && may_be_missing)
        return oci_config_parse(path, "", 0, ret, err);
    if (fd < 0)
        return error_errno(err, errno, "%s: cannot open", path);
    int r = check_owner(fd, path, err);
    if (r < 0)
        return r;
    r = read_fd(fd, &text, CONFIG_SIZE_MAX);
    if (r < 0)
        return error_errno(err, r, "%s: cannot read", path);
    return oci_config_parse(path, buffer_text(&text), text.length, ret, err);
}

/* ---- the runtime ----------------------------------------------------------------------------- */

/* 1: PATH is a program; 0: it is none, or this one itself. */
static int is_other_program(const char *path, bool *ret_itself)
{
    struct stat st, self;

    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || access(path, X_OK) < 0)
        return 0;
    if (stat("/proc/self/exe", &self) == 0 && st.st_dev == self.st_dev &&
        st.st_ino == self.st_ino) {
        *ret_itself = true;
        return 0;
    }
    return 1;
}

static int find_in_path(const char *name, const char *folders, char **ret_path, bool *ret_itself)
{
    for (const char *folder = folders; folder; folder = strchr(folder, ':')) {
        CLEANUP(free_pointer) char *path = NULL;

        folder += *folder == ':';
        const size_t length = strcspn(folder, ":");
        /* What is relative means another program wherever the engine runs it. */
        if (folder[0] != '/')
            continue;
        if (asprintf(&path, "%.*s/%s", (int)length, folder, name) < 0) {
            path = NULL;
            return -ENOMEM;
        }
        if (is_other_program(path, ret_itself)) {
            *ret_path = TAKE(path);
            return 0;
        }
    }
    return -ENOENT;
}

int oci_config_find_runtime(const OciConfig *config, char **ret_path, Error *err)
{
    const char *folders = getenv("PATH");
    bool itself = false;
    int r;

    if (config->runtime[0] == '/') {
        char *copy = is_other_program(config->runtime, &itself) ? strdup(config->runtime) : NULL;
        if (copy) {
            *ret_path = copy;
            return 0;
        }
        r = -ENOENT;
    } else {
        /* containerd's shim may have none, and then knows itself where to look. */
        r = find_in_path(config->runtime, folders && *folders ? folders : DEFAULT_PATH, ret_path,
                         &itself);
    }
    if (r == -ENOENT && itself)
        return error_set(err, -ELOOP,
                         "%s: is whittle-oci itself; name the real runtime in " OCI_CONFIG_PATH,
                         config->runtime);
    if (r == -ENOENT)
        return error_set(err, r,
                         "%s: there is no such program; name the real runtime in " OCI_CONFIG_PATH
                         " (\"runtime: /usr/bin/crun\")",
                         config->runtime);
    return r < 0 ? error_errno(err, r, "%s", config->runtime) : 0;
}
