/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/knowledge.h"

#include "model/tables.h"

#include <string.h>

bool runtime_is_known(const char *name)
{
    for (size_t i = 0; i < runtime_calls_count; i++) {
        if (strcmp(runtime_calls[i].runtime, name) == 0)
            return true;
    }
    return false;
}

const Place *place_of(const char *path)
{
    const Place *best = NULL;

    for (size_t i = 0; i < places_count; i++) {
        const size_t length = strlen(places[i].path);
        if (strncmp(path, places[i].path, length) == 0 &&
            (path[length] == '\0' || path[length] == '/') && (!best || length > strlen(best->path)))
            best = &places[i];
    }
    return best;
}

/* PATH begins with PLACE, which ends where a component does. */
static bool begins_with(const char *path, const char *place)
{
    const size_t length = strlen(place);

    return strncmp(path, place, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

bool path_is_secret(const char *path)
{
    for (size_t i = 0; i < guarded_paths_count; i++) {
        const char *place = guarded_paths[i].path;
        for (const char *slash = path; *place != '/' && (slash = strchr(slash, '/')); slash++) {
            if (begins_with(slash + 1, place))
                return true;
        }
    }
    return false;
}

bool path_is_guarded(const char *path)
{
    for (size_t i = 0; i < guarded_paths_count; i++) {
        const char *place = guarded_paths[i].path;
        if (*place == '/' && begins_with(path, place))
            return true;
    }
    return path_is_secret(path) || strchr(path + 1, '/') == NULL; /* right in the root */
}

static bool set_path_has(const char *pattern, const char *path);

/* What is left of PATH after one or more of its characters (SLASHES: these too) matches REST. */
static bool after_some(const char *rest, const char *path, bool slashes)
{
    while (*path && (slashes || *path != '/')) {
        if (set_path_has(rest, ++path))
            return true;
    }
    return false;
}

static bool set_path_has(const char *pattern, const char *path)
{
    for (const char *c = pattern; *c; c++) {
        if (*c == '*')
            return c[1] == '*' ? after_some(c + 2, path, true) : after_some(c + 1, path, false);
        if (*c == '#') {
            const size_t digits = strspn(path, "0123456789");
            if (digits == 0)
                return false;
            path += digits;
        } else if (*c != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

bool path_set_has(const PathSet *set, const char *path)
{
    return set_path_has(set->path, path);
}

bool docker_grants_always(const char *syscall)
{
    for (size_t i = 0; i < docker_grants_count; i++) {
        const DefaultGrant *grant = &docker_grants[i];
        if (strcmp(grant->kind, "syscall") == 0 && strcmp(grant->when, "always") == 0 &&
            strcmp(grant->name, syscall) == 0)
            return true;
    }
    return false;
}

uint64_t docker_capabilities(void)
{
    uint64_t caps = 0;

    for (size_t i = 0; i < docker_grants_count; i++) {
        const Capability *capability = strcmp(docker_grants[i].kind, "capability") == 0
                                           ? capability_by_name(docker_grants[i].name)
                                           : NULL;
        if (capability)
            caps |= (uint64_t)1 << capability->number;
    }
    return caps;
}

bool has_word(const char *words, const char *word)
{
    const size_t length = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length) {
        if ((at == words || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;
    }
    return false;
}
