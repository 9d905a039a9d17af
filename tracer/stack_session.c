/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Dwfl is libdw's picture of one address space. It is kept for as long as the files in it stay
 * mapped where they are, and so serves forked children, too; libraries that are loaded later are
 * added. libdw asks for memory and registers (Dwfl_Thread_Callbacks) and gets those of the request.
 */
#include "tracer/stack_session.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/memory.h"
#include "tracer/stack_files.h"

#include <errno.h>

enum { SESSIONS_MAX = 8, VDSO_MAX = 64 * 1024 };

struct StackSessions {
    HashKey key;
    StackFiles *files;
    uint64_t clock;
    StackSession *sessions[SESSIONS_MAX];
};

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
    StackSession *session = *data;
    const unsigned char *build_id = NULL;
    GElf_Addr address;

    (void)name, (void)base, (void)file_name;
    if (link && crc == 0) /* what several debug files have in common, by a name in one of them */
        return -1;
    const int length = dwfl_module_build_id(module, &build_id, &address);
    if (length <= 0 || !session)
        return -1;
    const int fd = stack_files_debug(session->owner->files, build_id, (size_t)length);
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
    StackSession *session = data;
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
    const StackRegisters *registers = ((const StackSession *)data)->request->registers;

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

static StackSession *session_free(StackSession *session)
{
    if (!session)
        return NULL;
    for (size_t i = 0; i < STACK_NAMES; i++) {
        buffer_deinit(&session->names[i].head);
        buffer_deinit(&session->names[i].tail);
    }
    dwfl_end(session->dwfl);
    free(session);
    return NULL;
}

/* A copy of the file of MAP, or of the kernel's page of code. */
static int open_module(const StackSession *session, const StackMap *map, const char *path)
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
    return file < 0 ? file : stack_files_copy(session->owner->files, file);
}

static void report_module(StackSession *session, const StackMap *map)
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

static StackFile identify(const StackSessions *sessions, const StackMap *map)
{
    return (StackFile){map->base, map->inode,
                       hash_bytes(&sessions->key, map->path, map->path_length)};
}

static bool same_file(const StackFile *a, const StackFile *b)
{
    return a->base == b->base && a->inode == b->inode && a->path == b->path;
}

static bool among(const StackFile *files, size_t count, const StackFile *file)
{
    size_t i = 0;

    while (i < count && !same_file(&files[i], file))
        i++;
    return i < count;
}

/* The files whose code is mapped, each once, at most STACK_MODULES_MAX; which maps they are of. */
static size_t list_files(const StackSessions *sessions, const StackMap *maps, size_t count,
                         StackFile *files, const StackMap **of)
{
    size_t found = 0;

    for (size_t i = 0; i < count && found < STACK_MODULES_MAX; i++) {
        if (!maps[i].executable || maps[i].path_length == 0)
            continue;
        const StackFile file = identify(sessions, &maps[i]);
        if (among(files, found, &file))
            continue;
        of[found] = &maps[i];
        files[found++] = file;
    }
    return found;
}

/* Tells libdw of those that are new. */
static int add_files(StackSession *session, const StackFile *files, size_t count,
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
static StackSession *session_new(StackSessions *sessions)
{
    StackSession **place = &sessions->sessions[0];

    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        StackSession **other = &sessions->sessions[i];
        if (*place && (!*other || (*other)->used < (*place)->used))
            place = other;
    }
    *place = session_free(*place);
    StackSession *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->dwfl = dwfl_begin(&file_callbacks);
    if (!session->dwfl)
        return session_free(session);
    session->owner = sessions;
    *place = session;
    return session;
}

/* The one of which all files are still mapped. */
static StackSession *session_find(StackSessions *sessions, const StackFile *files, size_t count)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        StackSession *session = sessions->sessions[i];
        size_t there = 0;
        while (session && there < session->files_count &&
               among(files, count, &session->files[there]))
            there++;
        if (session && there == session->files_count)
            return session;
    }
    return NULL;
}

/* ---- all ------------------------------------------------------------------------------------ */

StackSessions *stack_sessions_free(StackSessions *sessions)
{
    if (!sessions)
        return NULL;
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        sessions->sessions[i] = session_free(sessions->sessions[i]);
    sessions->files = stack_files_free(sessions->files);
    free(sessions);
    return NULL;
}

StackSessions *stack_sessions_new(void)
{
    StackSessions *sessions = calloc(1, sizeof *sessions);

    if (!sessions)
        return NULL;
    hash_key_init(&sessions->key);
    sessions->files = stack_files_new();
    return sessions->files ? sessions : stack_sessions_free(sessions);
}

StackSession *stack_sessions_open(StackSessions *sessions, const StackRequest *request,
                                  const StackMap *maps, size_t count)
{
    CLEANUP(free_pointer) StackFile *files = calloc(STACK_MODULES_MAX, sizeof *files);
    CLEANUP(free_pointer) const StackMap **of = calloc(STACK_MODULES_MAX, sizeof(StackMap *));

    if (!files || !of)
        return NULL;
    const size_t files_count = list_files(sessions, maps, count, files, of);
    StackSession *session = session_find(sessions, files, files_count);
    if (!session)
        session = session_new(sessions);
    if (!session)
        return NULL;
    session->used = ++sessions->clock;
    session->request = request;
    /* Where libdw can make nothing of what is mapped, there still is the first frame. */
    (void)add_files(session, files, files_count, of);
    return session;
}
