/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks up a stack and names its frames, in libdw's picture of the address space
 * (stack_session.c), which also keeps what an address is called.
 */
#include "tracer/stacks.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/memory.h"
#include "tracer/stack_frame_pointer.h"
#include "tracer/stack_names.h"
#include "tracer/stack_session.h"

#include <errno.h>
#include <inttypes.h>

/* Of all frames together; one has 28 KiB at most, and a recording takes 64. */
enum { TEXT_MAX = 32 * 1024 };
#define JIT_MAP_MAX ((size_t)64 * 1024 * 1024)

typedef struct LibdwStacks {
    Stacks base;
    StackSessions *sessions;
} LibdwStacks;

/* ---- frames --------------------------------------------------------------------------------- */

/* Code that is of no ELF file: what its compiler calls it, or what is mapped there. */
static void name_foreign(const StackSession *session, uint64_t pc, bool called, Buffer *out)
{
    const StackMap *map = stack_maps_find(session->maps, session->maps_count, pc);
    const StackRequest *request = session->request;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    char path[48];
    size_t length = 0;

    if (!map) {
        (void)buffer_puts(out, "[nowhere]");
        return;
    }
    if (map->inode != 0) {
        stack_put_text(map->path, map->path_length, out);
        (void)buffer_printf(out, "+0x%" PRIx64, pc - map->start + map->offset);
        return;
    }
    (void)buffer_puts(out, "[memory]");
    (void)snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)request->own_pid);
    CLEANUP(fd_close) int file = request->open_file(request->data, path);
    if (file < 0 || read_fd(file, &text, JIT_MAP_MAX) < 0)
        return;
    const char *name = stack_jit_name(buffer_text(&text), called ? pc - 1 : pc, &length);
    if (!name)
        return;
    (void)buffer_putc(out, ' ');
    stack_put_text(name, length, out);
}

/* The names of PC in MODULE. */
static const StackName *name_address(StackSession *session, Dwfl_Module *module, uint64_t pc,
                                     bool called)
{
    const uint64_t key = pc * 2 + called;
    StackName *name = &session->names[hash_mix(key) % STACK_NAMES];

    if (name->key == key)
        return name;
    name->key = key;
    buffer_clear(&name->head);
    buffer_clear(&name->tail);
    stack_names(module, pc, called, &name->head, &name->tail);
    if (name->head.error || name->tail.error)
        name->key = 0;
    return name;
}

/* True for the first time in a stack. */
static bool is_first_of(StackSession *session, const Dwfl_Module *module)
{
    for (unsigned i = 0; i < session->told_count; i++) {
        if (session->told[i] == module)
            return false;
    }
    session->told[session->told_count++] = module;
    return true;
}

static void put_frame(StackSession *session, uint64_t pc, bool called)
{
    Buffer *out = session->out;

    if (out->length > 0)
        (void)buffer_putc(out, '\n');
    const Dwarf_Addr at = called ? pc - 1 : pc;
    Dwfl_Module *module = dwfl_addrmodule(session->dwfl, at);
    if (!module || !stack_is_of_file(module, at)) { /* may be other code the next time */
        name_foreign(session, pc, called, out);
        return;
    }
    const StackName *name = name_address(session, module, pc, called);
    (void)buffer_puts(out, buffer_text(&name->head));
    if (is_first_of(session, module))
        stack_put_build_id(module, out);
    (void)buffer_puts(out, buffer_text(&name->tail));
}

static int on_frame(Dwfl_Frame *frame, void *data)
{
    StackSession *session = data;
    Dwarf_Addr pc;
    bool activation = false;

    if (!dwfl_frame_pc(frame, &pc, &activation) || pc == 0)
        return DWARF_CB_ABORT;
    if (session->frames == STACK_FRAMES_MAX) {
        (void)buffer_puts(session->out, "\n[more]");
        return DWARF_CB_ABORT;
    }
    put_frame(session, pc, !activation);
    session->frames++;
    if (session->out->length > TEXT_MAX)
        session->frames = STACK_FRAMES_MAX;
    return session->out->error ? DWARF_CB_ABORT : DWARF_CB_OK;
}

/* As much of the stack as there is, in a few reads. */
static void read_slice(StackSession *session)
{
    enum { PAGE = 4096 };
    const StackRequest *request = session->request;
    const uint64_t sp = request->registers->sp;

    session->slice_size = 0;
    if (request->read(request->data, sp, session->slice, sizeof session->slice) == 0) {
        session->slice_size = sizeof session->slice;
        return;
    }
    while (session->slice_size < sizeof session->slice) {
        const uint64_t at = sp + session->slice_size;
        const size_t to_end = PAGE - (size_t)(at % PAGE);
        const size_t room = sizeof session->slice - session->slice_size;
        const size_t size = to_end < room ? to_end : room;
        if (request->read(request->data, at, session->slice + session->slice_size, size) < 0)
            return;
        session->slice_size += size;
    }
}

/* The loader's first function has nothing above it, but does not say so. */
static bool is_whole(const Buffer *out)
{
    const char *last = strrchr(buffer_text(out), '\n');

    return last && strstr(last, " _start+0x");
}

static int unwind(StackSession *session)
{
    read_slice(session);
    session->frames = 0;
    session->told_count = 0;
    const int r = dwfl_getthread_frames(session->dwfl, 1, on_frame, session);
    if (session->frames == 0)
        put_frame(session, session->request->registers->pc, false);
    if ((r < 0 || session->frames == 0) && !is_whole(session->out))
        (void)buffer_puts(session->out, "\n[cut]");
    return session->out->error;
}

static int take(Stacks *base, const StackRequest *request, Buffer *out)
{
    CLEANUP(free_pointer) StackMap *maps = NULL;
    StackRegisters registers = *request->registers;
    StackRequest completed = *request;
    size_t count = 0;
    int r = stack_maps_parse(request->maps, &maps, &count);

    if (r < 0)
        return r;
    StackSession *session =
        stack_sessions_open(((LibdwStacks *)base)->sessions, request, maps, count);
    if (!session)
        return -ENOMEM;
    session->maps = maps;
    session->maps_count = count;
    session->out = out;
    stack_frame_pointer_find(session->dwfl, request, &registers);
    completed.registers = &registers;
    session->request = &completed;
    r = unwind(session);
    session->request = NULL;
    session->maps = NULL;
    session->out = NULL;
    return r;
}

static Stacks *stacks_free(Stacks *base)
{
    LibdwStacks *stacks = (LibdwStacks *)base;

    if (!stacks)
        return NULL;
    stacks->sessions = stack_sessions_free(stacks->sessions);
    free(stacks);
    return NULL;
}

int stacks_new(Stacks **ret_stacks, Error *err)
{
    LibdwStacks *stacks = calloc(1, sizeof *stacks);

    if (!stacks)
        return error_errno(err, ENOMEM, "cannot take stacks");
    stacks->base.take = take;
    stacks->base.free = stacks_free;
    stacks->sessions = stack_sessions_new();
    if (!stacks->sessions) {
        (void)stacks_free(&stacks->base);
        return error_errno(err, ENOMEM, "cannot take stacks");
    }
    *ret_stacks = &stacks->base;
    return 0;
}
