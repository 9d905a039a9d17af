/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/capture_seen.h"

#include "base/hash.h"
#include "base/memory.h"

#include <limits.h>
#include <stdio.h>

enum { FILES_MAX = 8192, MOVES_MAX = 32 };

typedef struct SeenFile {
    uint64_t hash; /* of mount namespace and path; 0: free */
    uint64_t inode;
    uint64_t device;
    uint32_t mode;
    uint32_t uid;
} SeenFile;

/* A folder that was renamed: what was met in it has another path now. */
typedef struct Move {
    uint32_t mount_namespace;
    char *from;
    char *to;
} Move;

struct SeenFiles {
    HashKey key; /* secret: nothing but the hash tells one path from another */
    SeenFile files[FILES_MAX];
    Move moves[MOVES_MAX]; /* the latest is before next_move */
    size_t next_move;
    char *renamed; /* the old name of the rename() that is being told */
};

SeenFiles *seen_files_new(void)
{
    SeenFiles *seen = calloc(1, sizeof *seen);

    if (seen)
        hash_key_init(&seen->key);
    return seen;
}

SeenFiles *seen_files_free(SeenFiles *seen)
{
    if (!seen)
        return NULL;
    for (size_t i = 0; i < MOVES_MAX; i++) {
        free(seen->moves[i].from);
        free(seen->moves[i].to);
    }
    free(seen->renamed);
    free(seen);
    return NULL;
}

static uint64_t hash_of(const SeenFiles *seen, uint32_t mount_namespace, const char *path)
{
    return hash_u64(hash_bytes(&seen->key, path, strlen(path)), mount_namespace) | 1;
}

static size_t place_of(uint64_t hash)
{
    return (size_t)((hash >> 1) % FILES_MAX);
}

/* Another owner under one name is another owner under all names (hard links). */
static void change_owner(SeenFiles *seen, const SeenFile *file)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (seen->files[i].inode == file->inode && seen->files[i].device == file->device)
            seen->files[i].uid = file->uid;
    }
}

void seen_file_put(SeenFiles *seen, uint32_t mount_namespace, const char *path,
                   const struct stat *st)
{
    const SeenFile file = {.hash = hash_of(seen, mount_namespace, path),
                           .inode = st->st_ino,
                           .device = st->st_dev,
                           .mode = st->st_mode,
                           .uid = st->st_uid};
    SeenFile *place = &seen->files[place_of(file.hash)];
    const bool other_owner = place->hash == file.hash && place->inode == file.inode &&
                             place->device == file.device && place->uid != file.uid;

    *place = file;
    if (other_owner)
        change_owner(seen, &file);
}

static bool get(const SeenFiles *seen, uint32_t mount_namespace, const char *path,
                struct stat *ret_stat)
{
    const uint64_t hash = hash_of(seen, mount_namespace, path);
    const SeenFile *file = &seen->files[place_of(hash)];

    if (file->hash != hash)
        return false;
    *ret_stat = (struct stat){
        .st_ino = file->inode, .st_dev = file->device, .st_mode = file->mode, .st_uid = file->uid};
    return true;
}

bool seen_file_get(const SeenFiles *seen, uint32_t mount_namespace, const char *path,
                   struct stat *ret_stat)
{
    char before[PATH_MAX];

    if (get(seen, mount_namespace, path, ret_stat))
        return true;
    for (size_t i = 1; i <= MOVES_MAX; i++) {
        const Move *move = &seen->moves[(seen->next_move + MOVES_MAX - i) % MOVES_MAX];
        const size_t length = move->to ? strlen(move->to) : 0;
        if (length == 0 || move->mount_namespace != mount_namespace ||
            strncmp(path, move->to, length) != 0 || path[length] != '/')
            continue;
        const int n = snprintf(before, sizeof before, "%s%s", move->from, path + length);
        if (n > 0 && (size_t)n < sizeof before && get(seen, mount_namespace, before, ret_stat))
            return true;
    }
    return false;
}

void seen_rename_from(SeenFiles *seen, const char *path)
{
    free(seen->renamed);
    seen->renamed = strdup(path);
}

void seen_rename_to(SeenFiles *seen, uint32_t mount_namespace, const char *path)
{
    CLEANUP(free_pointer) char *from = TAKE(seen->renamed);
    CLEANUP(free_pointer) char *to = strdup(path);
    struct stat st;

    if (!from || !to)
        return;
    if (get(seen, mount_namespace, from, &st))
        seen_file_put(seen, mount_namespace, path, &st);
    if (!get(seen, mount_namespace, path, &st) || !S_ISDIR(st.st_mode))
        return;
    Move *move = &seen->moves[seen->next_move];
    free(move->from);
    free(move->to);
    *move = (Move){.mount_namespace = mount_namespace, .from = TAKE(from), .to = TAKE(to)};
    seen->next_move = (seen->next_move + 1) % MOVES_MAX;
}
