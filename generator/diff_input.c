/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders to what can be compared. A folder is what `whittle generate` writes, or any
 * with files of those names. */
#include "generator/diff_private.h"

#include "base/io.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)256 << 20)
#define PEEK_SIZE ((size_t)4096)

static void side_deinit(DiffSide *side)
{
    side->policy = policy_free(side->policy);
    side->recording = recording_free(side->recording);
    if (side->seccomp)
        seccomp_profile_deinit(side->seccomp);
    free(side->seccomp);
    side->apparmor = apparmor_file_free(side->apparmor);
    buffer_deinit(&side->apparmor_text);
    *side = (DiffSide){0};
}

DiffInput *diff_input_free(DiffInput *input)
{
    if (input) {
        side_deinit(&input->side);
        free(input->path);
        free(input);
    }
    return NULL;
}

void diff_input_cleanup(DiffInput **input)
{
    *input = diff_input_free(*input);
}

const Recording *diff_input_recording(const DiffInput *input)
{
    return input->side.recording;
}

/* ---- capability lists ----------------------------------------------------------------------- */

/* Adds the capability NAME, "ALL" and small letters too, to *CAPS. 0 or -EINVAL. */
static int add_capability(const char *name, size_t length, uint64_t *caps)
{
    char text[64] = "CAP_";
    const size_t prefix = length >= 4 && strncasecmp(name, "CAP_", 4) == 0 ? 4 : 0;
    size_t used = 4;

    if (length - prefix >= sizeof text - 4 || length == prefix)
        return -EINVAL;
    for (size_t i = prefix; i < length; i++)
        text[used++] = (char)toupper((unsigned char)name[i]);
    if (strcmp(text, "CAP_ALL") == 0) {
        for (size_t i = 0; i < capability_count(); i++)
            *caps |= (uint64_t)1 << capability_at(i)->number;
        return 0;
    }
    const Capability *capability = capability_by_name(text);
    if (!capability)
        return -EINVAL;
    *caps |= (uint64_t)1 << capability->number;
    return 0;
}

static int read_names(const char *file, const json_t *array, uint64_t *caps, Error *err)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));
        if (!name || add_capability(name, strlen(name), caps) < 0)
            return error_set(err, -EINVAL, "%s: there is no capability \"%.60s\"", file,
                             name ? name : "");
    }
    return 0;
}

/* {"add": […], "drop": ["ALL"]}, from Docker's 14; or a list. */
static int read_capabilities_json(const char *file, const char *text, size_t length, DiffSide *side,
                                  Error *err)
{
    json_error_t why;
    CLEANUP(json_decrefp) json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
    uint64_t add = 0, drop = 0, base = docker_capabilities();
    int r;

    if (!root)
        return error_set(err, -EINVAL, "%s:%d:%d: %s", file, why.line, why.column, why.text);
    if (json_is_array(root)) {
        base = 0;
        r = read_names(file, root, &add, err);
    } else {
        if (!json_object_get(root, "add") && !json_object_get(root, "drop"))
            return error_set(
                err, -EINVAL,
                "%s: neither a seccomp profile (no \"defaultAction\") nor a capability "
                "list (no \"add\" or \"drop\")",
                file);
        r = read_names(file, json_object_get(root, "add"), &add, err);
        if (r == 0)
            r = read_names(file, json_object_get(root, "drop"), &drop, err);
    }
    if (r < 0)
        return r;
    side->capabilities = (base & ~drop) | add;
    side->has_capabilities = true;
    return 0;
}

/* Names with blanks, commas and line ends between; "#" begins a comment. */
static bool read_plain_capabilities(const char *text, size_t length, uint64_t *ret_caps)
{
    uint64_t caps = 0;
    bool any = false;

    for (size_t at = 0; at < length;) {
        const char c = text[at];
        size_t end = at;
        if (c == '#') {
            while (at < length && text[at] != '\n')
                at++;
            continue;
        }
        if (isspace((unsigned char)c) || c == ',') {
            at++;
            continue;
        }
        while (end < length && (isalnum((unsigned char)text[end]) || text[end] == '_'))
            end++;
        if (end == at || add_capability(text + at, end - at, &caps) < 0)
            return false;
        any = true;
        at = end;
    }
    *ret_caps = caps;
    return any;
}

/* ---- files ---------------------------------------------------------------------------------- */

static int read_seccomp(const char *file, const Buffer *text, DiffSide *side, Error *err)
{
    SeccompProfile *profile = calloc(1, sizeof *profile);
    const int r =
        profile ? seccomp_profile_parse(file, buffer_text(text), text->length, profile, NULL, err)
                : error_errno(err, -ENOMEM, "%s", file);

    if (r < 0) {
        free(profile);
        return r;
    }
    side->seccomp = profile;
    return 0;
}

static int read_apparmor(const char *file, const char *include, Buffer *text, DiffSide *side,
                         Error *err)
{
    const char *const folders[] = {include, "/etc/apparmor.d"};
    const ApparmorReadOptions options = {
        .include = folders, .include_count = include ? 2 : 0, .missing_includes = true};
    const int r =
        apparmor_parse(file, buffer_text(text), text->length, &options, &side->apparmor, err);

    if (r == 0) {
        side->apparmor_text = *text;
        *text = BUFFER_INIT;
    }
    return r;
}

/* One file, whatever it is. */
static int read_one(const char *file, const char *include, DiffSide *side, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(fd_close) int fd = open_and_peek(file, &text, PEEK_SIZE, err);
    int r;

    if (fd < 0)
        return fd;
    if (recording_detect(buffer_text(&text), text.length)) {
        side->kind = "recording";
        return recording_read_on(file, buffer_text(&text), text.length, fd, &side->recording, err);
    }
    r = read_fd(fd, &text, INPUT_MAX - text.length);
    if (r < 0)
        return error_errno(err, r, "%s: cannot read", file);
    const char *first = buffer_text(&text) + strspn(buffer_text(&text), " \t\r\n");
    if (policy_detect(buffer_text(&text), text.length)) {
        side->kind = "policy";
        r = policy_parse(file, buffer_text(&text), text.length, &side->policy, err);
        if (r == 0)
            policy_sort(side->policy);
        return r;
    }
    if (*first == '{' && seccomp_profile_detect(buffer_text(&text), text.length)) {
        side->kind = "seccomp profile";
        return read_seccomp(file, &text, side, err);
    }
    if (*first == '{' || *first == '[') {
        side->kind = "capability list";
        return read_capabilities_json(file, buffer_text(&text), text.length, side, err);
    }
    if (apparmor_detect(buffer_text(&text), text.length)) {
        side->kind = "AppArmor profile";
        return read_apparmor(file, include, &text, side, err);
    }
    if (read_plain_capabilities(buffer_text(&text), text.length, &side->capabilities)) {
        side->kind = "capability list";
        side->has_capabilities = true;
        return 0;
    }
    return error_set(
        err, -EINVAL,
        "%s: none of what can be compared: a recording, a policy, a seccomp profile in "
        "JSON, a capability list, a folder of them",
        file);
}

static int read_folder(const char *folder, const char *include, DiffSide *side, Error *err)
{
    static const char *const files[] = {"policy.yaml", "seccomp.json", "capabilities.json",
                                        "apparmor.profile"};
    bool any = false;
    int r = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(files) && r == 0; i++) {
        CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
        if (buffer_printf(&path, "%s/%s", folder, files[i]) < 0)
            return error_errno(err, -ENOMEM, "%s", folder);
        if (access(buffer_text(&path), F_OK) < 0)
            continue;
        any = true;
        r = read_one(buffer_text(&path), include, side, err);
    }
    side->kind = "folder";
    if (r == 0 && !any)
        return error_set(err, -ENOENT,
                         "%s: a folder without policy.yaml, seccomp.json, capabilities.json and "
                         "apparmor.profile",
                         folder);
    return r;
}

int diff_input_read(const char *path, const char *include, DiffInput **ret_input, Error *err)
{
    CLEANUP(diff_input_cleanup) DiffInput *input = calloc(1, sizeof *input);
    struct stat status;
    int r = 0;

    if (!input)
        return error_errno(err, -ENOMEM, "%s", path);
    input->path = strdup(path);
    if (!input->path)
        return error_errno(err, -ENOMEM, "%s", path);
    input->side.name = input->path;
    if (strcmp(path, "/dev/null") == 0) {
        input->side.kind = "nothing";
        r = 0;
    } else if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        r = read_folder(path, include, &input->side, err);
    else
        r = read_one(path, include, &input->side, err);
    if (r < 0)
        return r;
    *ret_input = TAKE(input);
    return 0;
}
