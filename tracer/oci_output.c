/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Component by component, each opened in the folder before it: openat2(2) keeps the kernel from
 * following links, so there is no moment between looking and making.
 */
#include "tracer/oci_output.h"

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEPTH_MAX = 16, NUMBERS_MAX = 9999, NAME_LENGTH = 100, ID_LENGTH = 12 };

/* ---- names ----------------------------------------------------------------------------------- */

static void append_safe(Buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length && text[i]; i++) {
        const char c = text[i];
        const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && i > 0);
        (void)buffer_putc(out, safe ? c : '_');
    }
}

static char *default_name(const char *name, const char *id, time_t when)
{
    Buffer out = BUFFER_INIT;
    struct tm tm = {0};
    char date[32] = "";

    if (name && *name && strcmp(name, id) != 0) {
        append_safe(&out, name, NAME_LENGTH);
        (void)buffer_putc(&out, '-');
    }
    append_safe(&out, id, ID_LENGTH);
    if (gmtime_r(&when, &tm))
        (void)strftime(date, sizeof date, "-%Y%m%dT%H%M%SZ", &tm);
    (void)buffer_puts(&out, date);
    (void)buffer_puts(&out, ".jsonl");
    return buffer_steal(&out);
}

/* NAME with "-NUMBER" before its extension; as it is for number 1. */
static char *numbered(const char *name, unsigned number)
{
    const char *dot = strrchr(name, '.');
    const size_t stem = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    char *result;

    if (number == 1)
        return strdup(name);
    if (asprintf(&result, "%.*s-%u%s", (int)stem, name, number, name + stem) < 0)
        return NULL;
    return result;
}

/* WANTED below the folder OUTPUT, relative to it; NULL: it is not. */
static const char *below(const char *output, const char *wanted)
{
    size_t length = strlen(output);

    if (wanted[0] != '/')
        return wanted;
    while (length > 0 && output[length - 1] == '/')
        length--;
    if (strncmp(wanted, output, length) != 0)
        return NULL;
    wanted += length;
    return *wanted == '/' ? wanted + 1 : (*wanted ? NULL : wanted);
}

static const char *fault(const char *relative)
{
    const size_t length = strlen(relative);
    size_t depth = 0;

    if (length >= PATH_MAX)
        return "it is too long";
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)relative[i] < ' ' || relative[i] == 0x7f)
            return "there are control characters in it";
    }
    for (const char *part = relative; *part; part += *part == '/') {
        const size_t size = strcspn(part, "/");
        if (size == 0)
            return "a part of it is empty";
        if (size <= 2 && strncmp(part, "..", size) == 0)
            return "a part of it is \".\" or \"..\"";
        if (size > NAME_MAX)
            return "a part of it is too long";
        if (++depth > DEPTH_MAX)
            return "it is too deep";
        part += size;
    }
    return NULL;
}

/* ---- folders --------------------------------------------------------------------------------- */

/* A descriptor, or a negative errno: -ELOOP for a link, -ENOTDIR for what else is no folder. */
static int open_folder(int folder, const char *name)
{
    const struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    const long fd = syscall(SYS_openat2, folder, name, &how, sizeof how);

    return fd < 0 ? -errno : (int)fd;
}

/* Moves *FOLDER on to NAME in it, which is made if MAKE. */
static int enter(int *folder, const char *name, bool make)
{
    int fd = open_folder(*folder, name);

    if (fd == -ENOENT && make) {
        if (mkdirat(*folder, name, 0777) < 0 && errno != EEXIST)
            return -errno;
        fd = open_folder(*folder, name);
    }
    if (fd < 0)
        return fd;
    fd_close(folder);
    *folder = fd;
    return 0;
}

static int open_output(const char *output, Error *err)
{
    const int made = make_folder(output, err);
    if (made < 0)
        return made;
    /* Its administrator may well have made it a link. */
    const int fd = open(output, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? error_errno(err, errno, "%s", output) : fd;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Makes NAME in FOLDER, or the first of its numbers that is free. */
static int reserve(int folder, const char *name, char **ret_name)
{
    for (unsigned number = 1; number <= NUMBERS_MAX; number++) {
        CLEANUP(free_pointer) char *candidate = numbered(name, number);
        if (!candidate)
            return -ENOMEM;
        CLEANUP(fd_close)
        int fd =
            openat(folder, candidate, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd >= 0) {
            *ret_name = TAKE(candidate);
            return 0;
        }
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

/* A path being walked: what is done of it is in PATH, and open as FOLDER. */
typedef struct Walk {
    int folder;
    Buffer path;
} Walk;

static void walk_deinit(Walk *walk)
{
    fd_close(&walk->folder);
    buffer_deinit(&walk->path);
}

static void append_component(Buffer *path, const char *name)
{
    if (path->length == 0 || path->data[path->length - 1] != '/')
        (void)buffer_putc(path, '/');
    (void)buffer_puts(path, name);
}

/* Walks the folders of RELATIVE. *RET_NAME is the last part if that is no folder, to be freed. */
static int walk_to(Walk *walk, const char *relative, char **ret_name)
{
    for (const char *part = relative; *part;) {
        const size_t size = strcspn(part, "/");
        const bool is_last = part[size] == '\0';
        CLEANUP(free_pointer) char *name = strndup(part, size);
        if (!name)
            return -ENOMEM;
        const int r = enter(&walk->folder, name, !is_last);
        if (is_last && (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)) {
            *ret_name = TAKE(name); /* not there, or in the way: gets a number */
            return 0;
        }
        append_component(&walk->path, name);
        if (r < 0)
            return r;
        part += size + (is_last ? 0 : 1);
    }
    return 0;
}

int oci_output(const OciConfig *config, const char *wanted, const char *name, const char *id,
               time_t when, char **ret_path, Error *err)
{
    const char *relative = wanted ? below(config->output, wanted) : "";
    const char *problem = NULL;
    CLEANUP(free_pointer) char *last = NULL;
    CLEANUP(free_pointer) char *reserved = NULL;
    CLEANUP(walk_deinit) Walk walk = {.folder = -1};

    if (!relative)
        problem = "it is not below the folder of recordings";
    else if (wanted && !*wanted)
        problem = "it is empty";
    else
        problem = fault(relative);
    if (problem)
        return error_set(err, -EINVAL, "\"%.200s\" can be no recording in %s: %s", wanted,
                         config->output, problem);
    walk.folder = open_output(config->output, err);
    if (walk.folder < 0)
        return walk.folder;
    (void)buffer_puts(&walk.path, config->output);
    int r = walk_to(&walk, relative, &last);
    if (r == -ELOOP)
        return error_set(err, r, "%s: is a symbolic link, which is not followed here",
                         buffer_text(&walk.path));
    if (r == 0 && !last) {
        last = default_name(name, id, when);
        r = last ? 0 : -ENOMEM;
    }
    if (r == 0)
        r = reserve(walk.folder, last, &reserved);
    if (r < 0)
        return error_errno(err, r, "%s: cannot make a recording there", buffer_text(&walk.path));
    append_component(&walk.path, reserved);
    char *path = buffer_steal(&walk.path);
    if (!path)
        return error_errno(err, -ENOMEM, "%s", config->output);
    *ret_path = path;
    return 0;
}
