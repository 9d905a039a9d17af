/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile exists to stop, tried from inside a container: prints "NAME RESULT" of each
 * attack. RESULT is 0 if it worked, an errno if it was refused, a signal's number + 1000 if the
 * kernel killed who tried, and "setup" if what comes before the attack failed, so that nothing is
 * shown.
 *
 * Nothing here harms the machine: what would change it is opened for writing and left as it is, or
 * is called with arguments that the kernel looks at only after it has asked for the privilege.
 * Linked statically, so that it runs in any root file system. docs/ATTACKS.md has the table of
 * results.
 */
/* Before headers of the kernel: glibc 2.35 takes their names for its own otherwise. */
#include <sys/mount.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SETUP = -1, KILLED = 1000, MAX_HANDLE_BYTES = 128 };

/* What the test puts into the container: a folder of the host's, a stranger's file, a place to
 * mount. */
#define SHARED      "/shared"
#define SECRET      "/home/other/secret"
#define PLACE       "/mnt"
#define SYSTEM_FILE "/etc/passwd"

/* Of a file on the same file system as SHARED: the first argument. */
static const char *secret_handle;

static int result_of(long returned)
{
    return returned < 0 ? errno : 0;
}

/* The kernel has asked for the privilege before it answers one of these. */
static int reached(long returned, int error)
{
    return returned < 0 && errno == error ? 0 : result_of(returned);
}

/* ---- out of the container ------------------------------------------------------------------- */

/* The handle that the command line gives in hexadecimal digits; false if it is none. */
static bool parse_handle(const char *text, void *space, size_t size)
{
    unsigned char *bytes = space;
    for (size_t i = 0; i < size && text[2 * i] && text[2 * i + 1]; i++) {
        const char digits[] = {text[2 * i], text[2 * i + 1], 0};
        bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return strlen(text) > 2 * sizeof(struct file_handle);
}

/* A file beside the shared folder, which no path leads to, by its handle. */
static int shocker(void)
{
    union {
        struct file_handle handle;
        char space[sizeof(struct file_handle) + MAX_HANDLE_BYTES];
    } file;
    char text[8] = "";
    if (!parse_handle(secret_handle, &file, sizeof file))
        return SETUP;
    const int folder = open(SHARED, O_RDONLY | O_DIRECTORY);
    if (folder < 0)
        return errno;

    const int fd = open_by_handle_at(folder, &file.handle, O_RDONLY);
    if (fd < 0)
        return errno;
    return read(fd, text, sizeof text) == 7 && memcmp(text, "secret\n", 7) == 0 ? 0 : SETUP;
}

static int connect_to(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    strcpy(name.sun_path, path);
    return result_of(connect(fd, (const struct sockaddr *)&name, sizeof name));
}

static int docker_socket(void)
{
    return connect_to("/run/docker.sock");
}

/* In a folder that is shared anyway. */
static int shared_docker_socket(void)
{
    return connect_to(SHARED "/docker.sock");
}

static int open_to_write(const char *path)
{
    return result_of(open(path, O_WRONLY | O_CLOEXEC));
}

static int core_pattern(void)
{
    return open_to_write("/proc/sys/kernel/core_pattern");
}

static int kernel_setting(void)
{
    return open_to_write("/proc/sys/vm/panic_on_oom");
}

/* In a hierarchy of its own, without controllers and notifications, which ends with the mount. */
static int release_agent(void)
{
    if (mount("attack", PLACE, "cgroup", 0, "none,name=whittle-attack") < 0)
        return errno;
    const int result = open_to_write(PLACE "/release_agent");
    umount2(PLACE, MNT_DETACH);
    return result;
}

/* ---- file systems --------------------------------------------------------------------------- */

static int mount_(void)
{
    if (mount("attack", PLACE, "tmpfs", 0, NULL) < 0)
        return errno;
    umount2(PLACE, MNT_DETACH);
    return 0;
}

/* The calls that do the same since Linux 5.2. */
static int mount_by_fsopen(void)
{
    return result_of(syscall(SYS_fsopen, "tmpfs", 0));
}

/* By the entry of 32-bit programs, where numbers mean other calls. */
static int mount_as_i386(void)
{
#ifdef __x86_64__
    static const char place[] = PLACE, type[] = "tmpfs"; /* below 4 GiB, as the program is static */
    long returned = 21;                                  /* mount */
    if ((uintptr_t)place > UINT32_MAX)
        return SETUP;
    __asm__ volatile("int $0x80"
                     : "+a"(returned)
                     : "b"(type), "c"(place), "d"(type), "S"(0L), "D"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    if (returned < 0)
        return (int)-returned;
    umount2(PLACE, MNT_DETACH);
    return 0;
#else
    return ENOSYS;
#endif
}

static int swapoff_(void)
{
    return reached(swapoff("/dev/null"), EINVAL);
}

static int make_disk(void)
{
    if (mknod("/dev/attack", S_IFBLK | 0600, makedev(8, 0)) < 0)
        return errno;
    unlink("/dev/attack");
    return 0;
}

/* By any call that can. */
static int chmod_system_file(void)
{
    const int fd = open(SYSTEM_FILE, O_RDONLY | O_CLOEXEC);
    if (chmod(SYSTEM_FILE, 0666) == 0)
        return result_of(chmod(SYSTEM_FILE, 0644));
    const int result = errno;
    if (fchmod(fd, 0666) == 0)
        return result_of(fchmod(fd, 0644));
    return fchmodat(AT_FDCWD, SYSTEM_FILE, 0666, 0) == 0
               ? result_of(fchmodat(AT_FDCWD, SYSTEM_FILE, 0644, 0))
               : result;
}

static int read_others_file(void)
{
    return result_of(open(SECRET, O_RDONLY | O_CLOEXEC));
}

/* ---- other processes and the network ----------------------------------------------------------
 */

static int ptrace_neighbour(void)
{
    return result_of(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static const char memory_of_parent[8] = "private";

static int read_neighbours_memory(void)
{
    char text[sizeof memory_of_parent];
    const struct iovec here = {text, sizeof text};
    const struct iovec there = {(void *)(uintptr_t)memory_of_parent, sizeof memory_of_parent};
    return result_of(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}

static int raw_socket(void)
{
    return result_of(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int packet_socket(void)
{
    return result_of(socket(AF_PACKET, SOCK_RAW, 0));
}

/* ---- more of the kernel -----------------------------------------------------------------------
 */

/* Too short for the header of a module, which is looked at after the privilege. */
static int load_module(void)
{
    return reached(syscall(SYS_init_module, "none", 4, ""), ENOEXEC);
}

static int add_key(void)
{
    return result_of(
        syscall(SYS_add_key, "user", "whittle-attack", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

static int keyctl_(void)
{
    return result_of(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
}

static int userfaultfd_(void)
{
    return result_of(syscall(SYS_userfaultfd, O_CLOEXEC));
}

/* A program that could be attached to the kernel's tracepoints, and is not. */
static int bpf_(void)
{
    static const struct bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
                                              {.code = BPF_JMP | BPF_EXIT}};
    union bpf_attr attributes = {.prog_type = BPF_PROG_TYPE_TRACEPOINT,
                                 .insn_cnt = 2,
                                 .insns = (uintptr_t)nothing,
                                 .license = (uintptr_t) "GPL"};
    return result_of(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
}

static int io_uring_(void)
{
    struct io_uring_params parameters = {0};
    return result_of(syscall(SYS_io_uring_setup, 1, &parameters));
}

/* ---- a user namespace, in which everybody is root ------------------------------------------- */

static int unshare_user(void)
{
    return result_of(unshare(CLONE_NEWUSER));
}

/* PID is what a call like fork(2) gave. */
static int child_was_made(long pid)
{
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return errno;
    return waitpid((pid_t)pid, NULL, 0) == pid ? 0 : SETUP;
}

static int clone_user(void)
{
    return child_was_made(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int clone3_user(void)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    return child_was_made(syscall(SYS_clone3, &arguments, sizeof arguments));
}

static const struct {
    const char *name;
    int (*act)(void);
} attacks[] = {
    {"shocker", shocker},
    {"docker.sock", docker_socket},
    {"docker.sock-shared", shared_docker_socket},
    {"core_pattern", core_pattern},
    {"release_agent", release_agent},
    {"proc-sys", kernel_setting},
    {"mount", mount_},
    {"mount-fsopen", mount_by_fsopen},
    {"mount-i386", mount_as_i386},
    {"swapoff", swapoff_},
    {"mknod", make_disk},
    {"chmod", chmod_system_file},
    {"dac-override", read_others_file},
    {"ptrace", ptrace_neighbour},
    {"process_vm_readv", read_neighbours_memory},
    {"raw-socket", raw_socket},
    {"packet-socket", packet_socket},
    {"module", load_module},
    {"add_key", add_key},
    {"keyctl", keyctl_},
    {"userfaultfd", userfaultfd_},
    {"bpf", bpf_},
    {"io_uring", io_uring_},
    {"userns-unshare", unshare_user},
    {"userns-clone", clone_user},
    {"userns-clone3", clone3_user},
};

/* In a child, whose death tells too, and after which nothing is left. */
static int try_attack(int (*act)(void))
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        const int result = act();
        _exit(result == SETUP ? 255 : result);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return SETUP;
    if (WIFSIGNALED(status))
        return KILLED + WTERMSIG(status);
    return WEXITSTATUS(status) == 255 ? SETUP : WEXITSTATUS(status);
}

int main(int count, char **arguments)
{
    char line[64];

    secret_handle = count > 1 ? arguments[1] : "";
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        const int result = try_attack(attacks[i].act);
        const int length = result == SETUP
                               ? snprintf(line, sizeof line, "%s setup\n", attacks[i].name)
                               : snprintf(line, sizeof line, "%s %d\n", attacks[i].name, result);
        if (write(STDOUT_FILENO, line, (size_t)length) != length)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
