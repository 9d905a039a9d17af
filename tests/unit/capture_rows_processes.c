/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"
#include "base/memory.h"
#include "capture_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/* ---- signals, programs --------------------------------------------------------------------- */

static void kill_relation(Site *site, enum event_relation relation, int64_t pid, int number)
{
    maker_call(&site->maker, "kill", 0);
    maker_event(&site->maker)->args[0] = (uint64_t)pid;
    maker_event(&site->maker)->args[1] = (uint64_t)number;
    maker_event(&site->maker)->relation = (uint8_t)relation;
    site_take(site);
}

static void killed(Site *site)
{
    kill_relation(site, RELATION_CHILD, 900000002, SIGTERM);
    kill_relation(site, RELATION_PARENT, 900000002, SIGUSR1);
    kill_relation(site, RELATION_UNKNOWN, 7, 0);
    kill_relation(site, RELATION_UNKNOWN, 0, SIGHUP);
    kill_relation(site, RELATION_RECORDED, -1, SIGINT);
    kill_relation(site, RELATION_OUTSIDE, 900000003, SIGKILL);
}

static void exec_begin(Site *site, const char *name, const char *program, const char *arguments,
                       size_t length)
{
    const Syscall *execve_call = syscall_by_name("execve");

    maker_begin(&site->maker, EVENT_EXEC);
    maker_event(&site->maker)->nr = syscall_number(execve_call, arch_native());
    maker_event(&site->maker)->value = 2;
    maker_file(&site->maker, BLOB_FOLDER, 0, site->folder, S_IFDIR | 0755, 0);
    maker_file(&site->maker, BLOB_PROGRAM, 0, program, S_IFREG | 0755, 0);
    maker_blob(&site->maker, BLOB_NAME, 0, 0, name, strlen(name) + 1);
    maker_blob(&site->maker, BLOB_COMMAND, 0, 0, arguments, length);
}

static void exec_event(Site *site, const char *name, const char *program)
{
    exec_begin(site, name, program, "new\0program", 12);
    site_take(site);
}

/* ARGUMENTS are those of the program, with blanks between. */
static void script_event(Site *site, const char *name, const char *program, const char *arguments)
{
    char words[512];
    const size_t length = (size_t)snprintf(words, sizeof words, "%s", arguments) + 1;

    ck_assert_uint_le(length, sizeof words);
    for (size_t i = 0; i < length; i++) {
        if (words[i] == ' ')
            words[i] = '\0';
    }
    exec_begin(site, name, program, words, length);
    maker_event(&site->maker)->flags |= EVENT_SCRIPT;
    site_take(site);
}

/* An ELF file of which only the interpreter counts. */
static void make_elf(const Site *site, const char *name, const char *interpreter)
{
    unsigned char file[64 + 56 + 256] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    const uint64_t offset = 64;
    const uint64_t text = 64 + 56;
    const uint64_t size = strlen(interpreter) + 1;
    CLEANUP(fd_close) int fd = open(site_path(site, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

    ck_assert_int_ge(fd, 0);
    memcpy(file + 32, &offset, 8); /* e_phoff */
    file[54] = 56;                 /* e_phentsize */
    file[56] = 1;                  /* e_phnum */
    file[64] = 3;                  /* PT_INTERP */
    memcpy(file + 64 + 8, &text, 8);
    memcpy(file + 64 + 32, &size, 8);
    memcpy(file + 64 + 56, interpreter, size);
    ck_assert_int_eq(write_all(fd, file, sizeof file), 0);
}

static void exec_program(Site *site)
{
    site_make_file(site, "ld.so", "");
    make_elf(site, "prog", site_path(site, "ld.so"));
    exec_event(site, "./prog", site_path(site, "prog"));
}

static void exec_script(Site *site)
{
    char text[256];

    site_make_file(site, "ld.so", "");
    make_elf(site, "sh", site_path(site, "ld.so"));
    (void)snprintf(text, sizeof text, "#!%s -e\n", site_path(site, "sh"));
    site_make_file(site, "wrap", text);
    (void)snprintf(text, sizeof text, "#! %s\n", site_path(site, "wrap"));
    site_make_file(site, "script", text);
    script_event(site, "script", site_path(site, "sh"), "sh -e wrap script");
}

static void script_of_sh(Site *site, const char *name, const char *arguments)
{
    make_elf(site, "sh", "");
    script_event(site, name, site_path(site, "sh"), arguments);
}

static void exec_script_gone(Site *site)
{
    script_of_sh(site, "was", "sh was");
    script_of_sh(site, "./was-with-word", "sh -e ./was-with-word");
}

static void exec_scripts_gone(Site *site)
{
    script_of_sh(site, "was", "sh /some/where was");
}

static void exec_scripts_half_gone(Site *site)
{
    char text[256];

    (void)snprintf(text, sizeof text, "#!%s -x\n", site_path(site, "gone"));
    site_make_file(site, "script", text);
    (void)snprintf(text, sizeof text, "sh %s -x script", site_path(site, "gone"));
    script_of_sh(site, "script", text);
}

static void exec_gone(Site *site)
{
    exec_event(site, "./was", site_path(site, "was"));
}

static void exec_descriptor(Site *site)
{
    make_elf(site, "prog", "");
    exec_event(site, "/dev/fd/3", site_path(site, "prog"));
}

static void exec_in_root(Site *site)
{
    ck_assert_int_eq(mkdir(site_path(site, "root"), 0755), 0);
    site_make_file(site, "root/ld", "");
    make_elf(site, "root/prog", "/ld");
    exec_begin(site, "/prog", site_path(site, "root/prog"), "prog", 5);
    maker_event(&site->maker)->flags |= EVENT_ROOT_CHANGED;
    maker_file(&site->maker, BLOB_ROOT, 0, site_path(site, "root"), S_IFDIR | 0755, 0);
    site_take(site);
}

static void exec_failed(Site *site)
{
    site_make_file(site, "plain", "no program");
    site_path_call(site, "execve", -ENOEXEC, "plain");
}

/* ---- labels, programs, the rest ------------------------------------------------------------- */

static void tell_label(Site *site, uint32_t number, const char *text)
{
    maker_begin(&site->maker, EVENT_LABEL);
    maker_event(&site->maker)->label = number;
    maker_blob(&site->maker, BLOB_LABEL, 0, 0, text, strlen(text) + 1);
    site_take(site);
}

static void call_with_label(Site *site, const char *name, uint32_t label)
{
    maker_call(&site->maker, name, 0);
    maker_event(&site->maker)->label = label;
    site_take(site);
}

static void labels(Site *site)
{
    tell_label(site, 1, "one");
    tell_label(site, 2, "two");
    call_with_label(site, "getuid", 2);
    call_with_label(site, "getpid", 1);
    call_with_label(site, "getppid", 0);
    call_with_label(site, "getgid", 3); /* told later */
    tell_label(site, 3, "three");
}

static void program_told_late(Site *site)
{
    maker_call(&site->maker, "getuid", 0);
    maker_event(&site->maker)->program = 9;
    site_take(site);
    maker_call(&site->maker, "getgid", 0);
    maker_event(&site->maker)->ancestry[0] = 9;
    site_take(site);
    site_tell_program(site, 9, "/usr/bin/nine");
}

static void program_never_told(Site *site)
{
    maker_call(&site->maker, "getuid", 0);
    maker_event(&site->maker)->program = 9;
    site_take(site);
}

static void unknown_call(Site *site)
{
    maker_call(&site->maker, "getuid", -ENOSYS);
    maker_event(&site->maker)->nr = 1000;
    site_take(site);
    maker_event(&site->maker)->nr = -7;
    site_take(site);
    maker_call(&site->maker, "getuid", -512); /* restarted */
    site_take(site);
}

static void memory_peak(Site *site)
{
    maker_begin(&site->maker, EVENT_MEMORY);
    maker_event(&site->maker)->value = 4096;
    site_take(site);
    maker_event(&site->maker)->value = 8192;
    site_take(site);
    maker_event(&site->maker)->value = 1024;
    site_take(site);
}

static void ring_open(Site *site, const char *name, uint64_t flags)
{
    maker_begin(&site->maker, EVENT_IO_URING);
    maker_event(&site->maker)->flags |= EVENT_NO_RESULT;
    maker_event(&site->maker)->value = 18; /* IORING_OP_OPENAT */
    maker_event(&site->maker)->args[2] = flags;
    maker_text(&site->maker, 1, name);
    maker_file(&site->maker, BLOB_FOLDER, 1, site->folder, S_IFDIR | 0755, 0);
    site_take(site);
}

static void ring_operations(Site *site)
{
    maker_begin(&site->maker, EVENT_IO_URING);
    maker_event(&site->maker)->value = 0; /* IORING_OP_NOP */
    site_take(site);
    maker_event(&site->maker)->value = 200;
    maker_event(&site->maker)->result = -EINVAL;
    site_take(site);
    site_make_file(site, "x", "");
    ring_open(site, "x", O_RDONLY);
    ring_open(site, "x", O_WRONLY | O_CREAT);
}

static void cut_event(Site *site)
{
    maker_call(&site->maker, "getuid", 0);
    maker_event(&site->maker)->flags |= EVENT_CUT;
    site_take(site);
}

/* clang-format off */
const CaptureRow capture_rows_processes[] = {
    {"kill", killed,
     "syscall kill ok\nsignal SIGHUP group ok\nsignal SIGINT all ok\n"
     "signal SIGKILL outside ok\nsignal SIGTERM child ok\nsignal SIGUSR1 parent ok\n"
     "signal exists self ok\n"},
    {"exec", exec_program,
     "syscall execve ok\nfile @/ld.so read+mmap-exec regular owner ok\n"
     "file @/prog exec regular owner ok\nfile @/prog read+mmap-exec regular owner ok\n"
     "exec @/ld.so elf-interpreter ok\nexec @/prog program ok\n"},
    {"exec-script", exec_script,
     "syscall execve ok\nfile @/ld.so read+mmap-exec regular owner ok\n"
     "file @/script exec regular owner ok\n"
     "file @/sh read+mmap-exec regular owner ok\n"
     "file @/wrap read+mmap-exec regular owner ok\n"
     "exec @/ld.so elf-interpreter ok\nexec @/script script ok\n"
     "exec @/sh script-interpreter ok\nexec @/wrap script-interpreter ok\n"},
    {"exec-script-gone", exec_script_gone,
     "syscall execve ok\nfile @/sh read+mmap-exec regular owner ok\nfile @/was exec ok\n"
     "file @/was-with-word exec ok\nexec @/sh script-interpreter ok\nexec @/was script ok\n"
     "exec @/was-with-word script ok\n"},
    {"exec-scripts-gone", exec_scripts_gone,
     "syscall execve ok\nfile @/sh read+mmap-exec regular owner ok\nfile @/was exec ok\n"
     "exec @/sh script-interpreter ok\nexec @/was script ok\nloss unreadable-program\n"},
    {"exec-scripts-half-gone", exec_scripts_half_gone,
     "syscall execve ok\nfile @/script exec regular owner ok\n"
     "file @/sh read+mmap-exec regular owner ok\nexec @/script script ok\n"
     "exec @/sh script-interpreter ok\nloss unreadable-program\n"},
    {"exec-gone", exec_gone,
     "syscall execve ok\nfile @/was exec regular owner ok\n"
     "file @/was read+mmap-exec regular owner ok\nexec @/was program ok\nloss unreadable-program\n"},
    {"exec-descriptor", exec_descriptor,
     "syscall execve ok\nfile @/prog exec regular owner ok\n"
     "file @/prog read+mmap-exec regular owner ok\nexec @/prog program ok\n"},
    {"exec-in-root", exec_in_root,
     "syscall execve ok\nfile @/root/ld read+mmap-exec regular owner ok\n"
     "file @/root/prog exec regular owner ok\n"
     "file @/root/prog read+mmap-exec regular owner ok\n"
     "exec @/root/ld elf-interpreter ok\nexec @/root/prog program ok\n"},
    {"exec-failed", exec_failed,
     "syscall execve ENOEXEC\nfile @/plain exec regular owner ENOEXEC\n"},
    {"labels", labels,
     "syscall getgid ok label three\nsyscall getpid ok label one\nsyscall getppid ok\n"
     "syscall getuid ok label two\n"},
    {"program-told-late", program_told_late,
     "syscall getgid ok\nsyscall getuid ok by /usr/bin/nine\n"},
    {"program-never-told", program_never_told,
     "syscall getuid ok by unknown\nloss unreadable-process\n"},
    {"unknown-call", unknown_call,
     "syscall getuid EINTR\nsyscall syscall_-7 ENOSYS\nsyscall syscall_1000 ENOSYS\n"},
    {"memory", memory_peak, "resource memory 8192\n"},
    {"io-uring", ring_operations,
     "file @/x read regular owner unknown\nfile @/x write+create owner unknown\n"
     "io_uring IORING_OP_NOP ok\nio_uring IORING_OP_OPENAT unknown\nio_uring op_200 EINVAL\n"},
    {"cut", cut_event, "syscall getuid ok\nloss unreadable-argument\n"},
    {NULL, NULL, NULL},
};
/* clang-format on */
