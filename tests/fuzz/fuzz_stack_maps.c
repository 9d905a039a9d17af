/* SPDX-License-Identifier: Apache-2.0 */
/* What a process has mapped and what its JIT compiler names, as the process itself may write it. */
#include "base/memory.h"
#include "require.h"
#include "tracer/stack_maps.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(const char *part, size_t length, const char *text, size_t size)
{
    return part >= text && length <= size && (size_t)(part - text) <= size - length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(free_pointer) StackMap *maps = NULL;
    CLEANUP(free_pointer) char *text = malloc(size + 1);
    size_t count = 0;
    size_t length = 0;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    require(stack_maps_parse(text, &maps, &count) == 0);
    for (size_t i = 0; i < count; i++) {
        const StackMap *map = &maps[i];
        require(map->start < map->end);
        require(map->path_length == 0 || is_within(map->path, map->path_length, text, size));
        const StackMap *found = stack_maps_find(maps, count, map->start);
        require(!found || (found->start <= map->start && map->start < found->end));
    }
    const char *name = stack_jit_name(text, count > 0 ? maps[0].start : 0x1000, &length);
    require(!name || is_within(name, length, text, size));
    return 0;
}
