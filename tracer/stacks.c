/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Dwfl is libdw's picture of one address space. It is kept for as long as the files in it stay
 * mapped where they are, and so serves forked children, too; libraries that are loaded later are
 * added, and what an address is called is kept with it. libdw asks for memory and registers
 * (Dwfl_Thread_Callbacks) and gets those of the request.
 */
#include "tracer/stacks.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/memory.h"
#include "tracer/stack_files.h"
#include "tracer/stack_frame_pointer.h"
#include "tracer/stack_maps.h"
#include "tracer/stack_names.h"

#include <errno.h>
#include <inttypes.h>

enum { SESSIONS_MAX = 8, MODULES_MAX = 512, NAMES = 2048, VDSO_MAX = 64 * 1024 };
/* Of all frames together; one has 28 KiB at most, and a recording takes 64. */
enum { TEXT_MAX = 32 * 1024 };
#define JIT_MAP_MAX ((size_t)64 * 1024 * 1024)

typedef struct NamedAddress {
    uint64_t key; /* the address times two, and one if it is where a call returns to; 0: none */
    Buffer head;  /* all before the place of the build id */
    Buffer tail;
} NamedAddress;

/* A file that was told to libdw, or could not be. */
typedef struct ToldFile {
    uint64_t base;
    uint64_t inode;
    uint64_t path; /* its hash */
} ToldFile;

typedef struct Session {
    struct LibdwStacks *stacks;
    ToldFile files[MODULES_MAX];
    size_t files_count;
    bool attached;
    uint64_t used; /* when, for the one to forget */
    Dwfl *dwfl;
    NamedAddress names[NAMES]; /* by address; the later one wins */
    /* Of the request in progress. */
    const StackRequest *request;
    const StackMap *maps;
    size_t maps_count;
    Buffer *out;
    unsigned frames;
    const Dwfl_Module *told[STACK_FRAMES_MAX + 1]; /* whose build id was told */
    unsigned told_count;
    uint8_t slice[STACK_SLICE]; /* what lies at the stack pointer */
    size_t slice_size;
} Session;

typedef struct LibdwStacks {
    Stacks base;
    HashKey key;
    StackFiles *files;
    uint64_t clock;
    Session *sessions[SESSIONS_MAX];
} LibdwStacks;

/* ---- what libdw asks for -------------------------------------------------------------------- */

static int find_elf(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                    char **ret_name, Elf **ret_elf)
{
    (void)module, (void)data, (void)name, (void)base, (void)ret_name, (void)ret_elf;
    return -1; /* it was reported with its file */
}

/* In place of libdw's own, which would follow names in the file, and ask servers. */
static int find_debuginfo(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                          const char *file_name, const char *link, GElf_Word crc, char **ret_name)
{
    Session *session = *data;
    const unsigned char *build_id = NULL;
    GElf_Addr address;

    (void)name, (void)base, (void)file_name;
    if (link && crc == 0) /* what several debug files have in common, by a name in one of them */
        return -1;
    const int length = dwfl_module_build_id(module, &build_id, &address);
    if (length <= 0 || !session)
        return -1;
    const int fd = stack_files_debug(session->stacks->files, build_id, (size_t)length);
    if (fd < 0)
        return -1;
    *ret_name = NULL;
    return fd;
}

static const Dwfl_Callbacks file_callbacks = {
    .find_elf = find_elf,
    .find_debuginfo = find_debuginfo,
    .section_address = dwfl_offline_section_address,
};

static pid_t next_thread(Dwfl *dwfl, void *data, void **ret_thread)
{
    (void)dwfl;
    if (*ret_thread) /* the only one was told of */
        return 0;
    *ret_thread = data;
    return 1;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *data, void **ret_thread)
{
    (void)dwfl, (void)tid;
    *ret_thread = data;
    return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret_word, void *data)
{
    Session *session = data;
    const StackRequest *request = session->request;
    const uint64_t into = address - request->registers->sp;
    const size_t size = request->registers->narrow ? 4 : 8;
    uint64_t word = 0;

    (void)dwfl;
    if (address >= request->registers->sp && into <= session->slice_size &&
        session->slice_size - into >= size)
        memcpy(&word, session->slice + into, size);
    else if (request->read(request->data, address, &word, size) < 0)
        return false;
    *ret_word = word;
    return true;
}

static bool set_registers(Dwfl_Thread *thread, void *data)
{
    const StackRegisters *registers = ((const Session *)data)->request->registers;

    for (int i = 0; i < STACK_REGISTERS; i++) {
        const Dwarf_Word value = registers->values[i];
        if (registers->known >> i & 1 && !dwfl_thread_state_registers(thread, i, 1, &value))
            return false;
    }
    dwfl_thread_state_register_pc(thread, registers->pc);
    return true;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
    .next_thread = next_thread,
    .get_thread = get_thread,
    .memory_read = read_memory,
    .set_initial_registers = set_registers,
};

/* ---- sessions ------------------------------------------------------------------------------- */

static Session *session_free(Session *session)
{
    if (!session)
        return NULL;
    for (size_t i = 0; i < NAMES; i++) {
        buffer_deinit(&session->names[i].head);
        buffer_deinit(&session->names[i].tail);
    }
    dwfl_end(session->dwfl);
    free(session);
    return NULL;
}

/* A copy of the file of MAP, or of the kernel's page of code. */
static int open_module(const Session *session, const StackMap *map, const char *path)
{
    const StackRequest *request = session->request;

    if (map->inode == 0) {
        const size_t length = map->end - map->start < VDSO_MAX ? map->end - map->start : VDSO_MAX;
        CLEANUP(free_pointer) char *bytes = malloc(length);
        if (!bytes)
            return -ENOMEM;
        const int r = request->read(request->data, map->start, bytes, length);
        return r < 0 ? r : stack_files_of_bytes(bytes, length);
    }
    CLEANUP(fd_close) int file = request->open_file(request->data, path);
    return file < 0 ? file : stack_files_copy(session->stacks->files, file);
}

static void report_module(Session *session, const StackMap *map)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    void **data = NULL;

    if (buffer_append(&path, map->path, map->path_length) < 0)
        return;
    if (map->inode == 0 && strcmp(buffer_text(&path), "[vdso]") != 0)
        return;
    CLEANUP(fd_close) int file = open_module(session, map, buffer_text(&path));
    if (file < 0)
        return;
    Dwfl_Module *module = dwfl_report_elf(session->dwfl, buffer_text(&path), buffer_text(&path),
                                          file, map->base, false);
    if (!module)
        return;
    file = -1; /* the module's */
    (void)dwfl_module_info(module, &data, NULL, NULL, NULL, NULL, NULL, NULL);
    *data = session;
}

static ToldFile identify(const LibdwStacks *stacks, const StackMap *map)
{
    return (ToldFile){map->base, map->inode, hash_bytes(&stacks->key, map->path, map->path_length)};
}

static bool same_file(const ToldFile *a, const ToldFile *b)
{
    return a->base == b->base && a->inode == b->inode && a->path == b->path;
}

static bool among(const ToldFile *files, size_t count, const ToldFile *file)
{
    size_t i = 0;

    while (i < count && !same_file(&files[i], file))
        i++;
    return i < count;
}

/* The files whose code is mapped, each once, at most MODULES_MAX; which maps they are of. */
static size_t list_files(const LibdwStacks *stacks, const StackMap *maps, size_t count,
                         ToldFile *files, const StackMap **of)
{
    size_t found = 0;

    for (size_t i = 0; i < count && found < MODULES_MAX; i++) {
        if (!maps[i].executable || maps[i].path_length == 0)
            continue;
        const ToldFile file = identify(stacks, &maps[i]);
        if (among(files, found, &file))
            continue;
        of[found] = &maps[i];
        files[found++] = file;
    }
    return found;
}

/* Tells libdw of those that are new. */
static int add_files(Session *session, const ToldFile *files, size_t count,
                     const StackMap *const *of)
{
    if (session->files_count == count)
        return 0;
    dwfl_report_begin_add(session->dwfl);
    for (size_t i = 0; i < count; i++) {
        if (!among(session->files, session->files_count, &files[i]))
            report_module(session, of[i]);
    }
    memcpy(session->files, files, count * sizeof *files);
    session->files_count = count;
    if (dwfl_report_end(session->dwfl, NULL, NULL) != 0)
        return -EBADMSG;
    if (!session->attached)
        session->attached = dwfl_attach_state(session->dwfl, NULL, 1, &thread_callbacks, session);
    return session->attached ? 0 : -EBADMSG;
}

/* An empty one in the place of the one that was used longest ago. */
static Session *session_new(LibdwStacks *stacks)
{
    Session **place = &stacks->sessions[0];

    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        Session **other = &stacks->sessions[i];
        if (*place && (!*other || (*other)->used < (*place)->used))
            place = other;
    }
    *place = session_free(*place);
    Session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->dwfl = dwfl_begin(&file_callbacks);
    if (!session->dwfl)
        return session_free(session);
    session->stacks = stacks;
    *place = session;
    return session;
}

/* The one of which all files are still mapped. */
static Session *session_find(LibdwStacks *stacks, const ToldFile *files, size_t count)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        Session *session = stacks->sessions[i];
        size_t there = 0;
        while (session && there < session->files_count &&
               among(files, count, &session->files[there]))
            there++;
        if (session && there == session->files_count)
            return session;
    }
    return NULL;
}

/* ---- frames --------------------------------------------------------------------------------- */

/* Code that is of no ELF file: what its compiler calls it, or what is mapped there. */
static void name_foreign(const Session *session, uint64_t pc, bool called, Buffer *out)
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
static const NamedAddress *name_address(Session *session, Dwfl_Module *module, uint64_t pc,
                                        bool called)
{
    const uint64_t key = pc * 2 + called;
    NamedAddress *name = &session->names[hash_mix(key) % NAMES];

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
static bool is_first_of(Session *session, const Dwfl_Module *module)
{
    for (unsigned i = 0; i < session->told_count; i++) {
        if (session->told[i] == module)
            return false;
    }
    session->told[session->told_count++] = module;
    return true;
}

static void put_frame(Session *session, uint64_t pc, bool called)
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
    const NamedAddress *name = name_address(session, module, pc, called);
    (void)buffer_puts(out, buffer_text(&name->head));
    if (is_first_of(session, module))
        stack_put_build_id(module, out);
    (void)buffer_puts(out, buffer_text(&name->tail));
}

static int on_frame(Dwfl_Frame *frame, void *data)
{
    Session *session = data;
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
static void read_slice(Session *session)
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

static int unwind(Session *session)
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
    LibdwStacks *stacks = (LibdwStacks *)base;
    CLEANUP(free_pointer) StackMap *maps = NULL;
    CLEANUP(free_pointer) ToldFile *files = calloc(MODULES_MAX, sizeof *files);
    CLEANUP(free_pointer) const StackMap **of = calloc(MODULES_MAX, sizeof(StackMap *));
    StackRegisters registers = *request->registers;
    StackRequest completed = *request;
    size_t count = 0;
    int r = files && of ? stack_maps_parse(request->maps, &maps, &count) : -ENOMEM;

    if (r < 0)
        return r;
    const size_t files_count = list_files(stacks, maps, count, files, of);
    Session *session = session_find(stacks, files, files_count);
    if (!session)
        session = session_new(stacks);
    if (!session)
        return -ENOMEM;
    session->used = ++stacks->clock;
    session->request = request;
    session->maps = maps;
    session->maps_count = count;
    session->out = out;
    /* Where libdw can make nothing of what is mapped, there still is the first frame. */
    (void)add_files(session, files, files_count, of);
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
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        stacks->sessions[i] = session_free(stacks->sessions[i]);
    stacks->files = stack_files_free(stacks->files);
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
    stacks->files = stack_files_new();
    if (!stacks->files) {
        (void)stacks_free(&stacks->base);
        return error_errno(err, ENOMEM, "cannot take stacks");
    }
    hash_key_init(&stacks->key);
    *ret_stacks = &stacks->base;
    return 0;
}
