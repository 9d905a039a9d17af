/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of small pieces of plain memory, each kept once: equal bytes have equal references, which
 * are never 0. No padding may be in them, and no pointers that change.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct BlobSet BlobSet;

BlobSet *blobset_new(void);
BlobSet *blobset_free(BlobSet *set);

/* Adds LENGTH bytes, if they are new; 0 without memory. */
uint32_t blobset_add(BlobSet *set, const void *bytes, size_t length);

/* 0 if they are not there. */
uint32_t blobset_find(const BlobSet *set, const void *bytes, size_t length);

/* The bytes, aligned for 64-bit numbers; good until blobset_free(). */
const void *blobset_at(const BlobSet *set, uint32_t ref, size_t *ret_length);

/* Bytes that it holds. */
size_t blobset_memory(const BlobSet *set);
