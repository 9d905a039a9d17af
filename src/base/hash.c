/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>

void hash_key_init(HashKey *key)
{
    struct timespec now = {0};

    if (getrandom(key, sizeof *key, GRND_NONBLOCK) == (ssize_t)sizeof *key)
        return;
    /* Early at boot, or a filter that forbids it: the kernel gave each process 16 random bytes,
     * which also protect its stack. */
    const void *bytes = (const void *)(uintptr_t)getauxval(AT_RANDOM);
    if (bytes)
        memcpy(key, bytes, sizeof *key);
    else
        memset(key, 0, sizeof *key);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    key->words[0] = hash_u64(key->words[0], (uint64_t)now.tv_nsec);
    key->words[1] = hash_u64(key->words[1], (uint64_t)(uintptr_t)key);
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

typedef struct SipState {
    uint64_t v0, v1, v2, v3;
} SipState;

static void sip_round(SipState *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

uint64_t hash_bytes(const HashKey *key, const void *bytes, size_t length)
{
    SipState s = {key->words[0] ^ 0x736f6d6570736575u, key->words[1] ^ 0x646f72616e646f6du,
                  key->words[0] ^ 0x6c7967656e657261u, key->words[1] ^ 0x7465646279746573u};
    const unsigned char *p = bytes;
    uint64_t word;
    size_t left = length;

    for (; left >= sizeof word; left -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        s.v3 ^= word;
        sip_round(&s);
        s.v0 ^= word;
    }
    word = (uint64_t)length << 56;
    for (size_t i = 0; i < left; i++)
        word |= (uint64_t)p[i] << (8 * i);
    s.v3 ^= word;
    sip_round(&s);
    s.v0 ^= word;
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
