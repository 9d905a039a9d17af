/* SPDX-License-Identifier: Apache-2.0 */
/* FNV-1a with a final mix: fast on the short keys that we have, and the same on every machine. */
#pragma once

#include <stddef.h>
#include <stdint.h>

static inline uint64_t hash_mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    return h;
}

static inline uint64_t hash_more(uint64_t h, const void *bytes, size_t length)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < length; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static inline uint64_t hash_u64(uint64_t h, uint64_t value)
{
    return hash_mix(h ^ value);
}

static inline uint64_t hash_bytes(const void *bytes, size_t length)
{
    return hash_mix(hash_more(0xcbf29ce484222325u, bytes, length));
}
