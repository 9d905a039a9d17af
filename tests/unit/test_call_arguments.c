/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables say of the arguments of calls that people rely on. */
#include "model/fact.h"
#include "model/tables.h"

#include "base/memory.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

static const char *const role_names[ROLE_COUNT] = {
    "-",        "value",    "fd",       "dirfd",      "path",    "text",   "open_flags",
    "open_how", "at_flags", "mode",     "sockaddr",   "socklen", "msghdr", "mmsghdr",
    "iovec",    "pointer",  "length",   "pid",        "tid",     "pidfd",  "signal",
    "uid",      "gid",      "selector", "clone_args", "argv",    "envp",
};

/* "dirfd path:open open_flags mode" */
static void describe_arguments(const Syscall *syscall, char *out, size_t size)
{
    size_t length = 0;

    out[0] = '\0';
    for (int i = 0; i < SYSCALL_ARGS && syscall->args[i].role != ROLE_NONE; i++) {
        const SyscallArg *arg = &syscall->args[i];
        const char *detail = arg->operation               ? arg->operation->name
                             : arg->role == ROLE_SELECTOR ? arg->family->name
                                                          : "";

        length += (size_t)snprintf(out + length, size - length, "%s%s%s%s%s%s", i ? " " : "",
                                   role_names[arg->role], *detail ? ":" : "", detail,
                                   arg->condition ? "!" : "",
                                   arg->role == ROLE_SELECTOR && arg->wide ? "+" : "");
    }
}

typedef struct ArgumentRow {
    const char *name;
    Arch arch;
    const char *arguments;
} ArgumentRow;

static const ArgumentRow arguments[] = {
    {"openat", ARCH_X86_64, "dirfd path:open open_flags mode"},
    {"openat2", ARCH_X86_64, "dirfd path:open open_how length"},
    {"execve", ARCH_X86_64, "path:exec argv envp"},
    {"execveat", ARCH_X86_64, "dirfd path:exec argv envp at_flags"},
    {"renameat2", ARCH_X86_64, "dirfd path:rename_from dirfd path:rename_to selector:rename_flags"},
    {"linkat", ARCH_X86_64, "dirfd path:link_from dirfd path:link_to at_flags"},
    {"symlinkat", ARCH_X86_64, "text dirfd path:symlink"},
    {"statx", ARCH_X86_64, "dirfd path:stat at_flags value pointer"},
    {"newfstatat", ARCH_X86_64, "dirfd path:stat pointer at_flags"},
    {"socket", ARCH_X86_64,
     "selector:socket_domain! selector:socket_type! selector:socket_protocol!"},
    {"connect", ARCH_X86_64, "fd sockaddr socklen"},
    {"sendto", ARCH_X86_64, "fd pointer length value sockaddr socklen"},
    {"accept4", ARCH_X86_64, "fd pointer pointer value"},
    {"sendmsg", ARCH_X86_64, "fd msghdr value"},
    {"ioctl", ARCH_X86_64, "fd selector:ioctl_request! value"},
    {"ptrace", ARCH_X86_64, "selector:ptrace_request!+ pid pointer value"},
    {"tgkill", ARCH_X86_64, "pid tid signal"},
    {"clone", ARCH_X86_64, "selector:clone_flags! pointer pointer pointer pointer"},
    {"clone", ARCH_S390X, "pointer selector:clone_flags! pointer pointer pointer"},
    {"clone3", ARCH_X86_64, "clone_args length"},
    {"mmap", ARCH_X86_64, "pointer length selector:mmap_protection+ selector:mmap_flags+ fd value"},
    {"mmap", ARCH_I386, "pointer"},
    {"mmap", ARCH_S390X, "pointer"},
    {"mmap", ARCH_AARCH64,
     "pointer length selector:mmap_protection+ selector:mmap_flags+ fd value"},
    {"fanotify_mark", ARCH_X86_64, "fd value value dirfd path:watch"},
    {"fanotify_mark", ARCH_I386, "fd value value value dirfd path:watch"},
    {"mount", ARCH_X86_64,
     "path:mount_source path:mount_target text selector:mount_flags+ pointer"},
    {"move_mount", ARCH_X86_64,
     "dirfd path:mount_source dirfd path:mount_target selector:move_mount_flags"},
    {"getpid", ARCH_X86_64, ""},
};

START_TEST(test_arguments)
{
    const ArgumentRow *row = &arguments[_i];
    const Syscall *ordinary = syscall_by_name(row->name);
    const Syscall *syscall = syscall_on(ordinary, row->arch);
    char text[512];

    ck_assert_ptr_nonnull(syscall);
    ck_assert_str_eq(syscall->name, row->name);
    ck_assert_uint_eq(syscall->index, ordinary->index);
    describe_arguments(syscall, text, sizeof text);
    ck_assert_str_eq(text, row->arguments);
}
END_TEST

/* What readers of the tables rely on. */
START_TEST(test_roles_fit)
{
    for (int nr = 0; nr < (int)syscall_number_limit((Arch)_i); nr++) {
        const Syscall *syscall = syscall_by_number((Arch)_i, nr);

        for (int i = 0; syscall && i < SYSCALL_ARGS; i++) {
            const SyscallArg *arg = &syscall->args[i];
            ArgRole next = i + 1 < SYSCALL_ARGS ? arg[1].role : ROLE_NONE;

            ck_assert_int_eq(arg->role == ROLE_PATH, arg->operation != NULL);
            ck_assert_int_eq(arg->role == ROLE_SELECTOR || arg->role == ROLE_OPEN_FLAGS ||
                                 arg->role == ROLE_AT_FLAGS,
                             arg->family != NULL);
            if (arg->role == ROLE_DIRFD)
                ck_assert_int_eq(next, ROLE_PATH);
            if (arg->role == ROLE_SOCKADDR)
                ck_assert_int_eq(next, ROLE_SOCKLEN);
            if (arg->role == ROLE_OPEN_HOW || arg->role == ROLE_CLONE_ARGS)
                ck_assert_int_eq(next, ROLE_LENGTH);
            if (arg->condition)
                ck_assert(arg->role == ROLE_SELECTOR && arg->family->closed);
            if (arg->role == ROLE_FD || arg->role == ROLE_PATH || arg->role == ROLE_SELECTOR)
                ck_assert(syscall->has_roles);
        }
    }
}
END_TEST

typedef struct AttributeRow {
    const char *name;
    bool returns_fd;
    bool fallback;
} AttributeRow;

static const AttributeRow attributes[] = {
    {"openat", true, false},       {"openat2", true, true},  {"read", false, false},
    {"clone3", false, true},       {"clone", false, false},  {"socket", true, false},
    {"dup2", true, false},         {"statx", false, true},   {"faccessat2", false, true},
    {"inotify_init", true, false}, {"bpf", false, false},    {"epoll_pwait2", false, true},
    {"socketpair", false, false},  {"execve", false, false}, {"close_range", false, true},
};

START_TEST(test_attributes)
{
    const AttributeRow *row = &attributes[_i];
    const Syscall *syscall = syscall_by_name(row->name);

    ck_assert_int_eq(syscall->returns_fd, row->returns_fd);
    ck_assert_int_eq(syscall->fallback, row->fallback);
}
END_TEST

typedef struct RefinementRow {
    const char *name;
    unsigned arg;
    uint64_t args[SYSCALL_ARGS];
    const char *family;
} RefinementRow;

static const RefinementRow refinements[] = {
    {"socket", 2, {2, 1, 6}, "ip_protocol"},
    {"socket", 2, {16, 3, 0}, "netlink_protocol"},
    {"socket", 2, {17, 3, 0}, "socket_protocol"},
    {"socket", 2, {UINT64_C(0xffffffff00000002), 1, 6}, "ip_protocol"},
    {"socket", 0, {2, 1, 6}, "socket_domain"},
    {"setsockopt", 2, {3, 1, 2}, "socket_option_socket"},
    {"setsockopt", 2, {3, 6, 1}, "socket_option_tcp"},
    {"setsockopt", 2, {3, 99, 1}, "socket_option"},
    {"read", 0, {0}, NULL},
    {"read", 6, {0}, NULL},
};

START_TEST(test_refinement)
{
    const RefinementRow *row = &refinements[_i];
    const FlagFamily *family = syscall_arg_family(syscall_by_name(row->name), row->arg, row->args);

    if (row->family)
        ck_assert_str_eq(family->name, row->family);
    else
        ck_assert_ptr_null(family);
}
END_TEST

typedef struct OperationRow {
    const char *name;
    uint32_t access;
    PathFinal final;
} OperationRow;

static const OperationRow operations[] = {
    {"open", 0, PATH_FINAL_FOLLOW},
    {"stat", ACCESS_STAT, PATH_FINAL_FOLLOW},
    {"lstat", ACCESS_STAT, PATH_FINAL_NOFOLLOW},
    {"exec", ACCESS_EXEC, PATH_FINAL_FOLLOW},
    {"unlink", ACCESS_DELETE, PATH_FINAL_PARENT},
    {"rename_from", ACCESS_RENAME | ACCESS_DELETE, PATH_FINAL_PARENT},
    {"rename_to", ACCESS_RENAME | ACCESS_CREATE, PATH_FINAL_PARENT},
    {"link_from", ACCESS_LINK, PATH_FINAL_NOFOLLOW},
    {"lchown", ACCESS_CHOWN, PATH_FINAL_NOFOLLOW},
    {"truncate", ACCESS_TRUNCATE, PATH_FINAL_FOLLOW},
};

START_TEST(test_operation)
{
    const OperationRow *row = &operations[_i];
    const PathOperation *operation = path_operation(row->name);

    ck_assert_ptr_nonnull(operation);
    ck_assert_uint_eq(operation->access, row->access);
    ck_assert_int_eq(operation->final, row->final);
    ck_assert_ptr_null(path_operation("no_such_operation"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("call_arguments");

    suite_add(suite, "arguments", test_arguments, ARRAY_LENGTH(arguments));
    suite_add(suite, "roles", test_roles_fit, ARCH_COUNT);
    suite_add(suite, "attributes", test_attributes, ARRAY_LENGTH(attributes));
    suite_add(suite, "refinement", test_refinement, ARRAY_LENGTH(refinements));
    suite_add(suite, "operation", test_operation, ARRAY_LENGTH(operations));
    return suite_run(suite);
}
