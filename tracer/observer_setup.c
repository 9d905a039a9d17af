/* SPDX-License-Identifier: Apache-2.0 */
/* Making an observer: which handler and what care each system call needs, from the tables. */
#include "tracer/observer_private.h"

#include "base/memory.h"
#include "tracer/capability_rules.h"
#include "tracer/reopened.h"

#include <errno.h>

static const char *const identity_calls[] = {
    "setuid",   "setuid32",   "setgid",    "setgid32",    "setreuid",  "setreuid32",
    "setregid", "setregid32", "setresuid", "setresuid32", "setresgid", "setresgid32",
    "setfsuid", "setfsuid32", "setfsgid",  "setfsgid32",  "setgroups", "setgroups32",
    "capset",   "prctl",      "execve",    "execveat",    "unshare",   "setns",
};

static const char *const root_calls[] = {"chroot", "pivot_root", "setns", "unshare"};

static void add_handlers(Observer *observer, const CallHandler *rows, uint8_t need)
{
    for (; rows->names; rows++) {
        for (const char *const *name = rows->names; *name; name++) {
            const Syscall *syscall = syscall_by_name(*name);
            if (!syscall)
                continue;
            observer->handlers[syscall->index] = rows;
            observer->needs[syscall->index] |= need;
            if (rows->needs_result)
                observer->needs[syscall->index] |= NEED_RESULT;
        }
    }
}

static uint8_t needs_of(const Syscall *syscall)
{
    uint8_t needs = 0;

    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const ArgRole role = syscall->args[i].role;
        if (role == ROLE_PATH)
            needs |= NEED_PENDING | NEED_RESULT;
        if (role == ROLE_FD || role == ROLE_DIRFD)
            needs |= NEED_DESCRIPTORS;
    }
    return needs;
}

static void add_need(Observer *observer, const char *const *names, size_t count, uint8_t what)
{
    for (size_t i = 0; i < count; i++) {
        const Syscall *syscall = syscall_by_name(names[i]);
        if (syscall)
            observer->needs[syscall->index] |= what;
    }
}

static void build_dispatch(Observer *observer)
{
    for (size_t i = 0; i < syscall_count(); i++)
        observer->needs[i] = needs_of(syscall_at(i));
    add_handlers(observer, file_handlers, NEED_PENDING);
    add_handlers(observer, exec_handlers, NEED_PENDING);
    add_handlers(observer, socket_handlers, NEED_PENDING);
    add_handlers(observer, process_handlers, NEED_PENDING);
    add_handlers(observer, mount_handlers, NEED_PENDING);
    add_handlers(observer, write_handlers, NEED_IF_CONNECTED);
    add_handlers(observer, id_map_handlers, 0);
    add_need(observer, identity_calls, ARRAY_LENGTH(identity_calls), NEED_PENDING | NEED_IDENTITY);
    add_need(observer, root_calls, ARRAY_LENGTH(root_calls), NEED_PENDING | NEED_ROOT);
    for (size_t i = 0; i < syscall_count(); i++) {
        if (capability_rules_concern(observer->capability_rules, syscall_at(i)))
            observer->needs[i] |= NEED_PENDING;
    }
    observer->prctl = syscall_by_name("prctl");
    observer->exit = syscall_by_name("exit");
    observer->mount_source = path_operation("mount_source");
    observer->mkdir = path_operation("mkdir");
    observer->rename_to = path_operation("rename_to");
    observer->creat = path_operation("creat");
}

static void pending_free(void *data, Tracee *tracee)
{
    Pending *pending = tracee->pending;

    (void)data;
    if (!pending)
        return;
    free(pending->drafts);
    free(pending);
    tracee->pending = NULL;
}

int observer_new(const ObserverOptions *options, Observer **ret_observer, Error *err)
{
    Observer *observer = calloc(1, sizeof *observer);

    if (!observer)
        return error_errno(err, ENOMEM, "cannot set up the observer");
    observer->options = *options;
    observer->table.exit_fd = -1;
    StringSet *strings = recording_strings(options->recording);
    int r = process_table_init(&observer->table, strings, !options->sees_results);
    if (r < 0) {
        free(observer);
        return error_errno(err, r, "cannot set up the process table");
    }
    observer->table.tracee_gone = pending_free;
    observer->resolver = resolver_new(&observer->table);
    observer->capability_rules = capability_rules_new();
    observer->handlers = calloc(syscall_count(), sizeof *observer->handlers);
    observer->needs = calloc(syscall_count(), sizeof *observer->needs);
    observer->cache = calloc(CALL_CACHE_SIZE, sizeof *observer->cache);
    if (!observer->resolver || !observer->capability_rules || !observer->handlers ||
        !observer->needs || !observer->cache) {
        (void)observer_free(observer);
        return error_errno(err, ENOMEM, "cannot set up the observer");
    }
    observer->reopened = reopened_new(options);
    if (options->label)
        observer->label = strset_add(strings, options->label);
    build_dispatch(observer);
    *ret_observer = observer;
    return 0;
}

Observer *observer_free(Observer *observer)
{
    if (!observer)
        return NULL;
    process_table_deinit(&observer->table);
    observer->resolver = resolver_free(observer->resolver);
    socket_table_deinit(&observer->sockets);
    observer->capability_rules = capability_rules_free(observer->capability_rules);
    free(observer->handlers);
    free(observer->needs);
    free(observer->cache);
    observer->reopened = reopened_free(observer->reopened);
    buffer_deinit(&observer->line);
    free(observer->added);
    free(observer);
    return NULL;
}
