/* SPDX-License-Identifier: Apache-2.0 */
/* src/base: what very many small things are kept in: hash, arena, reftable, blobset. */
#include "base/arena.h"
#include "base/blobset.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/reftable.h"
#include "base/strset.h"
#include "suite.h"

/*
 * With the key 0 as Python's own hash of bytes has it (3.11 or later, PYTHONHASHSEED=0), the others
 * from an implementation in Python that was checked against that. BYTES NULL: 0, 1, 2, ….
 */
static const struct {
    HashKey key;
    const char *bytes;
    size_t length;
    uint64_t hash;
} hashes[] = {
    {{{0, 0}}, "a", 1, 0x407448d2b89b1813},
    {{{0, 0}}, "abcdefg", 7, 0x6db12aae9070f506},
    {{{0, 0}}, "abcdefgh", 8, 0x3f7b849c0b8e35ea},
    {{{0, 0}}, "/srv/data/file-0000001", 22, 0xdc27f49619483fc0},
    {{{0x0706050403020100, 0x0f0e0d0c0b0a0908}}, "", 0, 0xabac0158050fc4dc},
    {{{0x0706050403020100, 0x0f0e0d0c0b0a0908}}, "a", 1, 0x1c2697ab786a6237},
    {{{0x0706050403020100, 0x0f0e0d0c0b0a0908}}, NULL, 63, 0x9d199062b7bbb3a8},
};

START_TEST(test_hash)
{
    char counting[64];

    for (size_t i = 0; i < sizeof counting; i++)
        counting[i] = (char)i;
    const char *bytes = hashes[_i].bytes ? hashes[_i].bytes : counting;
    ck_assert_uint_eq(hash_bytes(&hashes[_i].key, bytes, hashes[_i].length), hashes[_i].hash);
}
END_TEST

START_TEST(test_hash_key)
{
    HashKey one;
    HashKey other;

    hash_key_init(&one);
    hash_key_init(&other);
    ck_assert_mem_ne(&one, &other, sizeof one);
    ck_assert_uint_ne(hash_bytes(&one, "a", 1), hash_bytes(&other, "a", 1));
}
END_TEST

/* Small, page-sized and larger pieces stay where they are and what they are. */
START_TEST(test_arena)
{
    enum { PIECES = 1000 };
    static const size_t sizes[] = {1, 7, 8, 40, 0, 1000, 65536, 65535, 200000};
    Arena arena = ARENA_INIT((unsigned)_i);
    CLEANUP(free_pointer) uint32_t *refs = calloc(PIECES, sizeof *refs);
    CLEANUP(free_pointer) unsigned char **places = calloc(PIECES, sizeof *places);

    for (size_t i = 0; i < PIECES; i++) {
        const size_t size = sizes[i % 100 < 92 ? i % 5 : i % ARRAY_LENGTH(sizes)];
        places[i] = arena_take(&arena, size, &refs[i]);
        ck_assert_ptr_nonnull(places[i]);
        ck_assert_uint_ne(refs[i], 0);
        ck_assert_uint_eq((uintptr_t)places[i] % (1u << _i), 0);
        memset(places[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < PIECES; i++) {
        const size_t size = sizes[i % 100 < 92 ? i % 5 : i % ARRAY_LENGTH(sizes)];
        ck_assert_ptr_eq(arena_at(&arena, refs[i]), places[i]);
        size_t same = 0;
        while (same < size && places[i][same] == i % 251)
            same++;
        ck_assert_uint_eq(same, size);
    }
    uint32_t ref = 7;
    ck_assert_ptr_null(arena_take(&arena, SIZE_MAX, &ref));
    ck_assert_uint_eq(ref, 7);
    arena_deinit(&arena);
    ck_assert_uint_eq(arena_memory(&arena), 0);
}
END_TEST

static uint32_t find(const RefTable *table, uint64_t hash, uint32_t wanted)
{
    size_t at = REFTABLE_BEGIN;
    uint32_t ref;

    while ((ref = reftable_next(table, hash, &at)) != 0 && ref != wanted)
        ;
    return ref;
}

/* Also where all that it is asked for has the same hash. */
START_TEST(test_reftable)
{
    enum { MANY = 2000 };
    const uint64_t spread[] = {1, 0x9e3779b97f4a7c15u, 0};
    RefTable table = REFTABLE_INIT;

    ck_assert_uint_eq(find(&table, 1, 1), 0);
    for (uint32_t i = 1; i <= MANY; i++) {
        ck_assert_uint_eq(find(&table, i * spread[_i], i), 0);
        ck_assert_int_eq(reftable_reserve(&table), 0);
        reftable_insert(&table, i * spread[_i], i);
    }
    for (uint32_t i = 1; i <= MANY; i++)
        ck_assert_uint_eq(find(&table, i * spread[_i], i), i);
    ck_assert_uint_eq(table.count, MANY);
    ck_assert_uint_le(table.count, table.capacity / 4 * 3);
    reftable_deinit(&table);
}
END_TEST

START_TEST(test_blobset)
{
    enum { MANY = 3000 };
    BlobSet *set = blobset_new();
    CLEANUP(free_pointer) uint32_t *refs = calloc(MANY, sizeof *refs);
    uint64_t words[4] = {0};
    size_t length;

    for (size_t i = 0; i < MANY; i++) {
        words[0] = i / 4;
        ck_assert_uint_eq(blobset_find(set, words, (i % 4 + 1) * 8), 0);
        refs[i] = blobset_add(set, words, (i % 4 + 1) * 8);
        ck_assert_uint_ne(refs[i], 0);
    }
    for (size_t i = 0; i < MANY; i++) {
        words[0] = i / 4;
        ck_assert_uint_eq(blobset_add(set, words, (i % 4 + 1) * 8), refs[i]);
        ck_assert_uint_eq(blobset_find(set, words, (i % 4 + 1) * 8), refs[i]);
        const void *bytes = blobset_at(set, refs[i], &length);
        ck_assert_uint_eq(length, (i % 4 + 1) * 8);
        ck_assert_mem_eq(bytes, words, length);
        ck_assert_uint_eq((uintptr_t)bytes % 8, 0);
    }
    ck_assert_uint_gt(blobset_memory(set), 0);
    ck_assert_ptr_null(blobset_free(set));
    ck_assert_ptr_null(blobset_free(NULL));
}
END_TEST

START_TEST(test_string_references)
{
    StringSet *set = strset_new();
    const uint32_t ref = strset_add_ref(set, "/etc/passwd", 4);

    ck_assert_uint_ne(ref, 0);
    ck_assert_str_eq(strset_text(set, ref), "/etc");
    ck_assert_uint_eq(strset_add_ref(set, "/etc", 4), ref);
    ck_assert_uint_eq(strset_find_ref(set, "/etc"), ref);
    ck_assert_uint_eq(strset_find_ref(set, "/etc/passwd"), 0);
    ck_assert_ptr_eq(strset_find(set, "/etc"), strset_text(set, ref));
    ck_assert_ptr_null(strset_text(set, 0));
    ck_assert_uint_gt(strset_memory(set), 4);
    strset_free(set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sets");

    suite_add(suite, "hash", test_hash, ARRAY_LENGTH(hashes));
    suite_add(suite, "key", test_hash_key, 1);
    suite_add(suite, "arena", test_arena, 4);
    suite_add(suite, "reftable", test_reftable, 3);
    suite_add(suite, "blobset", test_blobset, 1);
    suite_add(suite, "string references", test_string_references, 1);
    return suite_run(suite);
}
