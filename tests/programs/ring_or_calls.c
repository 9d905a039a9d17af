/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring_or_calls ring|calls|async|poller|direct: the same work in the working folder, by operations
 * of io_uring or by system calls. async: by the ring's worker threads; poller: submitted by the
 * kernel's thread (SQPOLL); direct: on registered files as far as there are descriptors. What the
 * kernel's io_uring cannot do is done by a call. ring_or_calls unseen: operations of whose end
 * nobody is told, because they ask for that, or because they never end. Exits with 77 where there
 * is no io_uring.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* Newer than the headers of Linux 5.15, which Ubuntu 22.04 has, or of 6.1. */
enum { OP_SOCKET = 45, OP_BIND = 56, OP_LISTEN = 57, SKIP_SUCCESS = 1 << 6 };
enum { PORT = 21713, ENTRIES = 8 };
/* addr_len, which 5.15 lacks: the same bytes on a little-endian machine. */
#define ADDR_LEN file_index

static struct {
    bool used, async, poller, direct;
    int fd;
    unsigned *sq_tail, *sq_mask, *sq_flags, *sq_array, *cq_head, *cq_tail, *cq_mask;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
} ring;

static void *map(size_t size, uint64_t offset)
{
    void *at =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, (off_t)offset);

    if (at == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return at;
}

static void ring_start(void)
{
    struct io_uring_params params = {.flags = ring.poller ? IORING_SETUP_SQPOLL : 0,
                                     .sq_thread_idle = 1000};

    ring.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
    if (ring.fd < 0) {
        perror("io_uring_setup");
        exit(errno == ENOSYS || errno == EPERM ? 77 : 1);
    }
    char *sq = map(params.sq_off.array + params.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    char *cq = map(params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
                   IORING_OFF_CQ_RING);
    ring.sqes = map(params.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
    ring.sq_tail = (unsigned *)(void *)(sq + params.sq_off.tail);
    ring.sq_mask = (unsigned *)(void *)(sq + params.sq_off.ring_mask);
    ring.sq_flags = (unsigned *)(void *)(sq + params.sq_off.flags);
    ring.sq_array = (unsigned *)(void *)(sq + params.sq_off.array);
    ring.cq_head = (unsigned *)(void *)(cq + params.cq_off.head);
    ring.cq_tail = (unsigned *)(void *)(cq + params.cq_off.tail);
    ring.cq_mask = (unsigned *)(void *)(cq + params.cq_off.ring_mask);
    ring.cqes = (struct io_uring_cqe *)(void *)(cq + params.cq_off.cqes);
}

static void enqueue(const struct io_uring_sqe *entry)
{
    const unsigned tail = *ring.sq_tail;
    const unsigned index = tail & *ring.sq_mask;

    ring.sqes[index] = *entry;
    if (ring.async)
        ring.sqes[index].flags |= IOSQE_ASYNC;
    ring.sq_array[index] = index;
    __atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_SEQ_CST);
}

/* Submits ENTRY and waits for its end: the result, a negative errno. */
static int submit(const struct io_uring_sqe *entry)
{
    const unsigned head = *ring.cq_head;

    enqueue(entry);
    unsigned flags = IORING_ENTER_GETEVENTS;
    if (ring.poller && __atomic_load_n(ring.sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
        flags |= IORING_ENTER_SQ_WAKEUP;
    while (__atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) == head) {
        if (syscall(SYS_io_uring_enter, ring.fd, ring.poller ? 0 : 1, 1, flags, NULL, 0) < 0 &&
            errno != EINTR) {
            perror("io_uring_enter");
            exit(1);
        }
    }
    const int result = ring.cqes[head & *ring.cq_mask].res;
    __atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
    return result;
}

static int by_call(const struct io_uring_sqe *entry)
{
    const void *addr = (const void *)(uintptr_t)entry->addr;
    const void *addr2 = (const void *)(uintptr_t)entry->addr2;
    long r;

    switch (entry->opcode) {
    case IORING_OP_OPENAT:
        r = syscall(SYS_openat, entry->fd, addr, entry->open_flags, entry->len);
        break;
    case IORING_OP_OPENAT2:
        r = syscall(SYS_openat2, entry->fd, addr, addr2, sizeof(struct open_how));
        break;
    case IORING_OP_STATX:
        r = syscall(SYS_statx, entry->fd, addr, entry->statx_flags, entry->len, addr2);
        break;
    case IORING_OP_MKDIRAT:
        r = syscall(SYS_mkdirat, entry->fd, addr, entry->len);
        break;
    case IORING_OP_RENAMEAT:
        r = syscall(SYS_renameat2, entry->fd, addr, (int)entry->len, addr2, 0);
        break;
    case IORING_OP_LINKAT:
        r = syscall(SYS_linkat, entry->fd, addr, (int)entry->len, addr2, 0);
        break;
    case IORING_OP_SYMLINKAT:
        r = syscall(SYS_symlinkat, addr, entry->fd, addr2);
        break;
    case IORING_OP_UNLINKAT:
        r = syscall(SYS_unlinkat, entry->fd, addr, entry->unlink_flags);
        break;
    case IORING_OP_WRITE:
        r = write(entry->fd, addr, entry->len);
        break;
    case OP_SOCKET:
        r = socket(entry->fd, (int)entry->off, (int)entry->len);
        break;
    case IORING_OP_CONNECT:
        r = connect(entry->fd, addr, (socklen_t)entry->off);
        break;
    case IORING_OP_SEND:
        r = sendto(entry->fd, addr, entry->len, 0, addr2, addr2 ? entry->ADDR_LEN : 0);
        break;
    case IORING_OP_SENDMSG:
        r = sendmsg(entry->fd, addr, 0);
        break;
    case IORING_OP_ACCEPT:
        r = accept4(entry->fd, NULL, NULL, 0);
        break;
    case OP_BIND:
        r = bind(entry->fd, addr, (socklen_t)entry->off);
        break;
    case OP_LISTEN:
        r = listen(entry->fd, (int)entry->len);
        break;
    case IORING_OP_CLOSE:
        r = close(entry->fd);
        break;
    default:
        r = -1;
        errno = ENOSYS;
    }
    return r < 0 ? -errno : (int)r;
}

static bool is_on_descriptor(uint8_t opcode)
{
    return opcode == IORING_OP_CONNECT || opcode == IORING_OP_SEND || opcode == IORING_OP_SENDMSG ||
           opcode == IORING_OP_ACCEPT || opcode == OP_BIND || opcode == OP_LISTEN;
}

/* The descriptor as registered file 0. */
static void register_file(int fd)
{
    static bool registered;
    int fds[1] = {fd};
    const struct io_uring_files_update update = {.fds = (uint64_t)(uintptr_t)fds};
    const long r =
        registered
            ? syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES_UPDATE, &update, 1)
            : syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, fds, 1);

    registered = true;
    if (r < 0) {
        perror("io_uring_register");
        exit(1);
    }
}

static int act(struct io_uring_sqe entry, const char *what, int expected)
{
    const bool asked = ring.used;
    struct io_uring_sqe submitted = entry;
    int r = -EINVAL;

    if (asked && ring.direct && is_on_descriptor(entry.opcode)) {
        register_file(entry.fd);
        submitted.fd = 0;
        submitted.flags |= IOSQE_FIXED_FILE;
    }
    if (asked)
        r = submit(&submitted);
    /* Newer than this kernel, or too new to name an address. */
    if (r == -EINVAL || (r == -EDESTADDRREQ && entry.opcode == IORING_OP_SEND))
        r = by_call(&entry);
    if ((r < 0 ? r : 0) != expected) {
        (void)fprintf(stderr, "%s: %s, not %s\n", what, strerror(-r), strerror(-expected));
        exit(1);
    }
    return r;
}

#define ACT(expected, ...) act((struct io_uring_sqe){__VA_ARGS__}, #__VA_ARGS__, expected)
#define AT(pointer)        (uint64_t)(uintptr_t)(pointer)

static void do_files(void)
{
    const struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = 0644};
    struct statx st;

    ACT(0, .opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, .addr = AT("d"), .len = 0755);
    const int folder = ACT(0, .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = AT("d"),
                           .open_flags = O_RDONLY | O_DIRECTORY);
    const int fd = ACT(0, .opcode = IORING_OP_OPENAT, .fd = folder, .addr = AT("new"),
                       .open_flags = O_WRONLY | O_CREAT, .len = 0644);
    ACT(0, .opcode = IORING_OP_WRITE, .fd = fd, .addr = AT("x"), .len = 1);
    ACT(0, .opcode = IORING_OP_CLOSE, .fd = fd);
    /* There already: the same flags make nothing. */
    ACT(0, .opcode = IORING_OP_OPENAT2, .fd = AT_FDCWD, .addr = AT("old"), .addr2 = AT(&how),
        .len = sizeof how);
    ACT(-ENOENT, .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = AT("missing"),
        .open_flags = O_RDONLY);
    ACT(0, .opcode = IORING_OP_STATX, .fd = AT_FDCWD, .addr = AT("old"), .addr2 = AT(&st),
        .len = STATX_SIZE);
    ACT(0, .opcode = IORING_OP_RENAMEAT, .fd = folder, .addr = AT("new"), .len = (unsigned)AT_FDCWD,
        .addr2 = AT("d/moved"));
    ACT(0, .opcode = IORING_OP_LINKAT, .fd = AT_FDCWD, .addr = AT("d/moved"),
        .len = (unsigned)AT_FDCWD, .addr2 = AT("d/hard"));
    ACT(0, .opcode = IORING_OP_SYMLINKAT, .fd = AT_FDCWD, .addr = AT("moved"),
        .addr2 = AT("d/soft"));
    ACT(0, .opcode = IORING_OP_OPENAT, .fd = folder, .addr = AT("soft"), .open_flags = O_RDONLY);
    ACT(-EEXIST, .opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, .addr = AT("d"), .len = 0755);
    ACT(0, .opcode = IORING_OP_UNLINKAT, .fd = folder, .addr = AT("hard"));
    ACT(0, .opcode = IORING_OP_UNLINKAT, .fd = folder, .addr = AT("soft"));
    ACT(0, .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = AT("d/moved"));
    ACT(0, .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = AT("d"),
        .unlink_flags = AT_REMOVEDIR);
}

static void do_unix(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};

    const int server = ACT(0, .opcode = OP_SOCKET, .fd = AF_UNIX, .off = SOCK_STREAM);
    ACT(0, .opcode = OP_BIND, .fd = server, .addr = AT(&address), .off = sizeof address);
    ACT(0, .opcode = OP_LISTEN, .fd = server, .len = 5);
    const int client = ACT(0, .opcode = OP_SOCKET, .fd = AF_UNIX, .off = SOCK_STREAM);
    ACT(0, .opcode = IORING_OP_CONNECT, .fd = client, .addr = AT(&address), .off = sizeof address);
    ACT(0, .opcode = IORING_OP_ACCEPT, .fd = server);
    ACT(0, .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = AT("socket"));
}

static void do_network(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    struct sockaddr_in refusing = address;
    struct iovec data = {.iov_base = "x", .iov_len = 1};
    struct msghdr message = {
        .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &data, .msg_iovlen = 1};

    address.sin_addr.s_addr = refusing.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    refusing.sin_port = htons(1);
    const int receiver = ACT(0, .opcode = OP_SOCKET, .fd = AF_INET, .off = SOCK_DGRAM);
    ACT(0, .opcode = OP_BIND, .fd = receiver, .addr = AT(&address), .off = sizeof address);
    const int sender = ACT(0, .opcode = OP_SOCKET, .fd = AF_INET, .off = SOCK_DGRAM);
    ACT(0, .opcode = IORING_OP_SENDMSG, .fd = sender, .addr = AT(&message));
    address.sin_port = htons(PORT + 1);
    ACT(0, .opcode = IORING_OP_SEND, .fd = sender, .addr = AT("x"), .len = 1, .addr2 = AT(&address),
        .ADDR_LEN = sizeof address);
    const int connected = ACT(0, .opcode = OP_SOCKET, .fd = AF_INET, .off = SOCK_DGRAM);
    address.sin_port = htons(PORT + 2);
    ACT(0, .opcode = IORING_OP_CONNECT, .fd = connected, .addr = AT(&address),
        .off = sizeof address);
    ACT(0, .opcode = IORING_OP_SEND, .fd = connected, .addr = AT("x"), .len = 1);
    const int stream = ACT(0, .opcode = OP_SOCKET, .fd = AF_INET, .off = SOCK_STREAM);
    ACT(-ECONNREFUSED, .opcode = IORING_OP_CONNECT, .fd = stream, .addr = AT(&refusing),
        .off = sizeof refusing);
}

static void do_unseen(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    const int server = socket(AF_UNIX, SOCK_STREAM, 0);

    enqueue(&(struct io_uring_sqe){.opcode = IORING_OP_MKDIRAT,
                                   .flags = SKIP_SUCCESS | IOSQE_IO_LINK,
                                   .fd = AT_FDCWD,
                                   .addr = AT("d"),
                                   .len = 0755});
    enqueue(&(struct io_uring_sqe){.opcode = IORING_OP_NOP});
    if (syscall(SYS_io_uring_enter, ring.fd, 2, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 2 ||
        access("d", F_OK) < 0 || server < 0 ||
        bind(server, (const void *)&address, sizeof address) < 0 || listen(server, 5) < 0) {
        perror("unseen");
        exit(1);
    }
    enqueue(&(struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = server});
    if (syscall(SYS_io_uring_enter, ring.fd, 1, 0, 0, NULL, 0) != 1)
        exit(1);
}

int main(int argc, char **argv)
{
    const char *way = argc == 2 ? argv[1] : "";

    ring.used = strcmp(way, "calls") != 0;
    ring.async = strcmp(way, "async") == 0;
    ring.poller = strcmp(way, "poller") == 0;
    ring.direct = strcmp(way, "direct") == 0;
    if (ring.used)
        ring_start();
    if (strcmp(way, "unseen") == 0) {
        do_unseen();
        return 0;
    }
    do_files();
    do_unix();
    do_network();
    return 0;
}
