/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/stack_maps.h"

#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>

enum { MAPS_MAX = 65536 };

/* "START-END PERMISSIONS OFFSET MAJOR:MINOR INODE   PATH" */
static bool parse_line(const char *line, size_t length, StackMap *map)
{
    char permissions[8];
    char head[128];
    int name = 0;

    (void)snprintf(head, sizeof head, "%.*s", (int)(length < 127 ? length : 127), line);
    if (sscanf(head, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*x:%*x %" SCNu64 " %n", &map->start,
               &map->end, permissions, &map->offset, &map->inode, &name) < 5 ||
        map->start >= map->end)
        return false;
    map->executable = strlen(permissions) >= 3 && permissions[2] == 'x';
    map->path = name > 0 && (size_t)name < length ? line + name : "";
    map->path_length = *map->path ? length - (size_t)name : 0;
    return true;
}

static bool same_file(const StackMap *a, const StackMap *b)
{
    return a->inode == b->inode && a->path_length == b->path_length &&
           memcmp(a->path, b->path, a->path_length) == 0;
}

int stack_maps_parse(const char *text, StackMap **ret_maps, size_t *ret_count)
{
    CLEANUP(free_pointer) StackMap *maps = NULL;
    size_t count = 0;
    size_t capacity = 0;
    size_t first = 0; /* of the file that was mapped last, where its beginning is */

    for (const char *line = text; *line && count < MAPS_MAX;) {
        const size_t length = strcspn(line, "\n");
        if (array_reserve(&maps, &capacity, count, sizeof *maps) < 0)
            return -ENOMEM;
        StackMap *map = &maps[count];
        *map = (StackMap){0};
        if (parse_line(line, length, map)) {
            if (map->offset == 0 || count == 0 || !same_file(map, &maps[first]))
                first = map->inode != 0 ? count : first;
            map->base = map->inode != 0 && maps[first].offset == 0 ? maps[first].start : map->start;
            count++;
        }
        line += length + (line[length] == '\n');
    }
    *ret_maps = TAKE(maps);
    *ret_count = count;
    return 0;
}

const StackMap *stack_maps_find(const StackMap *maps, size_t count, uint64_t address)
{
    size_t low = 0;

    while (low < count) {
        const size_t middle = low + (count - low) / 2;
        if (address < maps[middle].start)
            count = middle;
        else if (address >= maps[middle].end)
            low = middle + 1;
        else
            return &maps[middle];
    }
    return NULL;
}

const char *stack_jit_name(const char *text, uint64_t address, size_t *ret_length)
{
    const char *found = NULL;

    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        char *end;
        const uint64_t start = strtoull(line, &end, 16);
        const uint64_t size = *end == ' ' ? strtoull(end, &end, 16) : 0;
        /* Numbers of a line that is cut off may be of the next one: END is compared. */
        if (*end == ' ' && end < line + length && address >= start && address - start < size) {
            found = end + 1;
            *ret_length = (size_t)(line + length - found);
        }
        line += length + (line[length] == '\n');
    }
    return found;
}
