/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashing. What we keep in tables was chosen by the workload that is watched, or by whoever wrote a
 * file; under a known hash it could choose keys that all collide, and stall its recorder. So bytes
 * from outside go through SipHash-1-3 with a key that nobody outside knows. No output may depend on
 * the order that this gives.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct HashKey {
    uint64_t words[2];
} HashKey;

/* A key that is different for each table and not to be guessed. */
void hash_key_init(HashKey *key);

/* SipHash-1-3 (Aumasson and Bernstein, 2012: one round a word, three at the end). */
uint64_t hash_bytes(const HashKey *key, const void *bytes, size_t length);

/* Quick mixing of numbers that nobody outside can choose freely, as of process ids and addresses.
 */
static inline uint64_t hash_mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    return h;
}

static inline uint64_t hash_u64(uint64_t h, uint64_t value)
{
    return hash_mix(h ^ value);
}
