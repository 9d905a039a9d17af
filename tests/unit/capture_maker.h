/* SPDX-License-Identifier: Apache-2.0 */
/* Makes events as the kernel side of the eBPF backend does, for tests. Failures abort. */
#pragma once

#include "tracer/bpf/events.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Maker {
    _Alignas(8) unsigned char bytes[EVENT_SIZE_MAX];
    size_t used;
} Maker;

struct event *maker_event(Maker *maker);

/* A new event of a process in this one's namespaces that runs program 1. */
void maker_begin(Maker *maker, enum event_type type);

/* EVENT_CALL of the native architecture. */
void maker_call(Maker *maker, const char *name, int64_t result);

void maker_blob(Maker *maker, enum blob_kind kind, int32_t number, uint64_t address,
                const void *bytes, size_t size);

/* A string argument: sets args[INDEX] and adds its memory. */
void maker_text(Maker *maker, unsigned index, const char *text);

/* What a descriptor, a folder, … is. */
void maker_file(Maker *maker, enum blob_kind kind, int32_t number, const char *path, uint32_t mode,
                uint32_t flags);
void maker_socket(Maker *maker, int32_t fd, uint16_t family, uint16_t type, uint16_t protocol);
