/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each name is asked for once, and the answer is kept. A process that ended is replaced: one that
 * answered a few times only, so that a file full of bad names takes a few seconds at most.
 */
#include "generator/demangle.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/reftable.h"
#include "generator/demangle_process.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STARTS_MAX = 16, SILENT_MAX = 4 };

typedef struct Known {
    char *name; /* LENGTH bytes */
    size_t length;
    char *readable; /* NULL: there is none */
} Known;

struct Demangler {
    HashKey key;
    RefTable table; /* of indexes into KNOWN, plus one */
    Known *known;
    size_t count;
    size_t capacity;
    int socket; /* -1: no process is there */
    pid_t process;
    unsigned starts;
    unsigned silent; /* processes that ended without an answer */
};

static int ensure_started(Demangler *demangler)
{
    int ends[2];

    if (demangler->socket >= 0)
        return 0;
    if (demangler->starts >= STARTS_MAX || demangler->silent >= SILENT_MAX)
        return -ETIME;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    demangler->process = fork();
    if (demangler->process == 0)
        demangle_serve(ends[1]);
    fd_close(&ends[1]);
    if (demangler->process < 0) {
        fd_close(&ends[0]);
        return -EAGAIN;
    }
    demangler->starts++;
    demangler->socket = ends[0];
    return 0;
}

static void end_process(Demangler *demangler)
{
    if (demangler->socket < 0)
        return;
    fd_close(&demangler->socket);
    while (waitpid(demangler->process, NULL, 0) < 0 && errno == EINTR)
        ;
}

static ssize_t exchange(int socket, const char *name, size_t length, char *ret_text, size_t size)
{
    ssize_t r;

    do {
        r = send(socket, name, length, MSG_NOSIGNAL);
    } while (r < 0 && errno == EINTR);
    if (r < 0)
        return r;
    do {
        r = recv(socket, ret_text, size, 0);
    } while (r < 0 && errno == EINTR);
    return r;
}

/* What the process says of NAME; "" without an answer. */
static void ask(Demangler *demangler, const char *name, size_t length, char *ret_text, size_t size)
{
    ret_text[0] = '\0';
    if (ensure_started(demangler) < 0)
        return;
    const ssize_t received = exchange(demangler->socket, name, length, ret_text, size - 1);
    ret_text[received > 0 ? received : 0] = '\0';
    demangler->silent += received <= 0;
    if (received <= 0 || ret_text[received - 1] != '\0')
        end_process(demangler);
}

static bool may_be_mangled(const char *name, size_t length)
{
    return length > 2 && length <= MANGLED_MAX && name[0] == '_' &&
           (name[1] == 'Z' || name[1] == 'R');
}

/* Keeps what is known of NAME; the text, or NULL. */
static const char *learn(Demangler *demangler, uint64_t hash, const char *name, size_t length)
{
    char text[DEMANGLED_MAX + 16];

    if (array_reserve(&demangler->known, &demangler->capacity, demangler->count,
                      sizeof *demangler->known) < 0 ||
        reftable_reserve(&demangler->table) < 0)
        return NULL;
    char *copy = malloc(length);
    if (!copy)
        return NULL;
    memcpy(copy, name, length);
    ask(demangler, name, length, text, sizeof text);
    char *readable = text[0] ? strdup(text) : NULL;
    demangler->known[demangler->count++] = (Known){copy, length, readable};
    reftable_insert(&demangler->table, hash, (uint32_t)demangler->count);
    return readable;
}

const char *demangler_name(Demangler *demangler, const char *name, size_t length)
{
    size_t at = REFTABLE_BEGIN;
    uint32_t ref;

    if (!may_be_mangled(name, length))
        return NULL;
    const uint64_t hash = hash_bytes(&demangler->key, name, length);
    while ((ref = reftable_next(&demangler->table, hash, &at)) != 0) {
        const Known *known = &demangler->known[ref - 1];
        if (known->length == length && memcmp(known->name, name, length) == 0)
            return known->readable;
    }
    return learn(demangler, hash, name, length);
}

Demangler *demangler_new(void)
{
    Demangler *demangler = malloc(sizeof *demangler);

    if (!demangler)
        return NULL;
    *demangler = (Demangler){.table = REFTABLE_INIT, .socket = -1};
    hash_key_init(&demangler->key);
    return demangler;
}

Demangler *demangler_free(Demangler *demangler)
{
    if (!demangler)
        return NULL;
    end_process(demangler);
    for (size_t i = 0; i < demangler->count; i++) {
        free(demangler->known[i].name);
        free(demangler->known[i].readable);
    }
    free(demangler->known);
    reftable_deinit(&demangler->table);
    free(demangler);
    return NULL;
}

void demangler_cleanup(Demangler **demangler)
{
    *demangler = demangler_free(*demangler);
}
