/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: what kind, what is done with them, with whom. Unix sockets are facts of their own kind,
 * and, where they have a path, file accesses too (connecting needs write access to it).
 */
#include "tracer/observer_private.h"

#include "base/escape.h"
#include "base/io.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

typedef struct Address {
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    };
    size_t length;
} Address;

static bool read_address(Observer *observer, Tracee *tracee, uint64_t at, uint64_t length,
                         Address *address)
{
    *address = (Address){0};
    if (at == 0 || length < sizeof(sa_family_t))
        return false;
    address->length = length < sizeof address->storage ? (size_t)length : sizeof address->storage;
    const int r = tracee_read(tracee, at, &address->storage, address->length);
    if (r == 0)
        return true;
    if (r != -EFAULT && r != -ESRCH /* killed meanwhile: it never makes this call */)
        tracee_loss(observer, tracee, "unreadable-argument", "socket address");
    return false;
}

/* ---- facts ---------------------------------------------------------------------------------- */

static void draft_network(Observer *observer, Tracee *tracee, Pending *pending,
                          const char *operation, int domain, int type, int protocol,
                          const struct sockaddr *address, DraftWhen when)
{
    char family_text[16];
    char type_text[16];
    char protocol_text[16];

    Fact *fact = pending_draft(observer, tracee, pending, FACT_NETWORK, operation, when);
    if (!fact)
        return;
    fact_set_text(
        fact, FIELD_FAMILY,
        observer_intern(observer, socket_family_text(domain, family_text, sizeof family_text)));
    if (type >= 0) {
        fact_set_text(
            fact, FIELD_SOCKET_TYPE,
            observer_intern(observer, socket_type_text(type, type_text, sizeof type_text)));
        const char *text = socket_protocol_text(domain, type, protocol < 0 ? 0 : protocol,
                                                protocol_text, sizeof protocol_text);
        if (text)
            fact_set_text(fact, FIELD_PROTOCOL, observer_intern(observer, text));
    }
    if (!address)
        return;
    const int port = address_port(address);
    if (port > 0)
        fact_set_number(fact, FIELD_PORT, port);
    fact_set_text(fact, FIELD_ADDRESS, address_class(address));
}

/* The address as a reader would write it: a path, "@name" for an abstract one, "unnamed". */
static const char *unix_address_text(Observer *observer, const Address *address)
{
    const size_t head = offsetof(struct sockaddr_un, sun_path);

    if (address->length <= head)
        return "unnamed";
    const size_t room = address->length - head;
    if (address->un.sun_path[0] != '\0') {
        CLEANUP(free_pointer) char *path = strndup(address->un.sun_path, room);
        return path ? observer_intern(observer, path) : "unnamed";
    }
    Buffer text = BUFFER_INIT;
    (void)buffer_putc(&text, '@');
    for (size_t i = 1; i < room; i++) {
        if (address->un.sun_path[i] == '\0')
            (void)buffer_puts(&text, "\\x00");
        else
            (void)escape_append(&text, &address->un.sun_path[i], 1);
    }
    const char *kept = observer_intern(observer, buffer_text(&text));
    buffer_deinit(&text);
    return kept;
}

static void draft_unix(Observer *observer, Tracee *tracee, Pending *pending, const char *operation,
                       int type, const Address *address, int argument, uint32_t access)
{
    char type_text[16];
    const char *text = address ? unix_address_text(observer, address) : NULL;
    PathResult path;

    if (text && text[0] != '@' && strcmp(text, "unnamed") != 0) {
        resolver_resolve(
            observer->resolver, tracee,
            &(PathQuery){.argument = argument,
                         .dirfd = AT_FDCWD,
                         .raw = text,
                         .final = access & ACCESS_CREATE ? PATH_FINAL_PARENT : PATH_FINAL_FOLLOW,
                         .access = access},
            0, &path);
        if (!path.text && path.error == 0)
            tracee_loss(observer, tracee, "unresolved-path", text);
        if (path.text) {
            text = observer_intern(observer, path.text);
            draft_file(observer, tracee, pending, &path, access, DRAFT_ALWAYS);
        }
        if (pending->predicted == RESULT_UNKNOWN && path.error != 0 && !(access & ACCESS_CREATE))
            pending->predicted = path.error;
    }
    Fact *fact = pending_draft(observer, tracee, pending, FACT_UNIX, operation, DRAFT_ALWAYS);
    if (!fact)
        return;
    if (type >= 0)
        fact_set_text(
            fact, FIELD_SOCKET_TYPE,
            observer_intern(observer, socket_type_text(type, type_text, sizeof type_text)));
    fact_set_text(fact, FIELD_ADDRESS, text);
}

/* ---- making sockets ------------------------------------------------------------------------- */

static void draft_new_socket(Observer *observer, Tracee *tracee, Pending *pending,
                             const char *operation, const uint64_t *args)
{
    const int domain = (int)(uint32_t)args[0];
    const int type = (int)(uint32_t)args[1];
    const int protocol = (int)(uint32_t)args[2];

    if (domain == AF_UNIX)
        draft_unix(observer, tracee, pending, operation, type, NULL, -1, 0);
    else
        draft_network(observer, tracee, pending, operation, domain, type, protocol, NULL,
                      DRAFT_ALWAYS);
}

/* ---- using them ----------------------------------------------------------------------------- */

static void draft_with_address(Observer *observer, Tracee *tracee, Pending *pending,
                               const char *operation, int fd, const Address *address, int argument,
                               uint32_t unix_access)
{
    const SocketInfo *info = socket_table_get(&observer->sockets, tracee, fd);
    const int type = info ? info->type : -1;

    if (address->any.sa_family == AF_UNIX) {
        draft_unix(observer, tracee, pending, operation, type, address, argument, unix_access);
        return;
    }
    const int domain = info && info->domain >= 0 ? info->domain : address->any.sa_family;
    draft_network(observer, tracee, pending, operation, domain, type, info ? info->protocol : -1,
                  &address->any, DRAFT_ALWAYS);
}

static void do_bind(Observer *observer, Tracee *tracee, Pending *pending, const uint64_t *args)
{
    Address address;

    if (read_address(observer, tracee, args[1], (uint32_t)args[2], &address))
        draft_with_address(observer, tracee, pending, "bind", (int)(uint32_t)args[0], &address, 1,
                           ACCESS_CREATE | ACCESS_WRITE);
}

/* connect() on a datagram socket sends nothing: getaddrinfo() does it to order addresses. It
 * becomes a fact with the first thing sent. */
static void do_connect(Observer *observer, Tracee *tracee, Pending *pending, const uint64_t *args)
{
    Address address;
    const int fd = (int)(uint32_t)args[0];

    if (!read_address(observer, tracee, args[1], (uint32_t)args[2], &address) ||
        address.any.sa_family == AF_UNSPEC)
        return;
    SocketInfo *info = socket_table_get(&observer->sockets, tracee, fd);
    const bool internet = address.any.sa_family == AF_INET || address.any.sa_family == AF_INET6;
    if (info && internet && info->type == SOCK_DGRAM) {
        if (!info->connect_pending)
            observer->sockets.connects_pending++;
        info->connect_pending = true;
        memcpy(&info->pending_address.storage, &address.storage, sizeof address.storage);
        return;
    }
    draft_with_address(observer, tracee, pending, "connect", fd, &address, 1, ACCESS_CONNECT);
}

/* Something is sent through FD, to nobody named. */
static void sent_on(Observer *observer, Tracee *tracee, Pending *pending, int fd)
{
    if (observer->sockets.connects_pending == 0)
        return;
    SocketInfo *info = socket_table_get(&observer->sockets, tracee, fd);
    if (!info || !info->connect_pending)
        return;
    info->connect_pending = false;
    observer->sockets.connects_pending--;
    draft_network(observer, tracee, pending, "connect", info->domain, info->type, info->protocol,
                  &info->pending_address.any, DRAFT_SETTLED);
    if (pending->count > 0) {
        results_add(&pending->drafts[pending->count - 1].fact.results, RESULT_OK);
        pending->drafts[pending->count - 1].fact.predicted = !pending->call.has_result;
    }
}

/* Process PID has a descriptor that reads NAME ("socket:[12]"), other than EXCEPT. */
static bool has_descriptor(pid_t pid, const char *name, int except)
{
    char path[64];
    char other[64];
    const struct dirent *entry;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", pid);
    CLEANUP(folder_close) DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder)) != NULL) {
        const ssize_t n = readlinkat(dirfd(folder), entry->d_name, other, sizeof other - 1);
        if (n <= 0)
            continue;
        other[n] = '\0';
        if (strcmp(other, name) == 0 && strtol(entry->d_name, NULL, 10) != except)
            return true;
    }
    return false;
}

/* A child of thread TID of process PID has that descriptor. The kernel is asked for them: one that
 * has made no call yet is in no table. */
static bool child_has_descriptor(pid_t pid, pid_t tid, const char *name)
{
    enum { CHILDREN_MAX = 64 /* a server of thousands is not asked through each time */ };
    char path[64];
    int child;

    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, tid);
    CLEANUP(file_close) FILE *children = fopen(path, "re");
    for (int i = 0; children && i < CHILDREN_MAX && fscanf(children, "%d", &child) == 1; i++) {
        if (has_descriptor(child, name, -1))
            return true;
    }
    return false;
}

/* Something can still be sent through the socket when FD is closed: a shell's "> /dev/udp/…" sends
 * through a copy of it, a server's child through what it inherited. */
static bool is_open_elsewhere(Tracee *tracee, int fd)
{
    char name[64];
    const Process *own = tracee->process;

    if (tracee->captured || tracee_descriptor(tracee, fd, name, sizeof name) < 0)
        return false;
    return has_descriptor(own->pid, name, fd) || has_descriptor(own->parent, name, -1) ||
           child_has_descriptor(own->pid, tracee->tid, name);
}

static void do_close(Observer *observer, Tracee *tracee, int fd)
{
    if (observer->sockets.connects_pending == 0)
        return;
    SocketInfo *info = socket_table_get(&observer->sockets, tracee, fd);
    if (info && info->connect_pending && !is_open_elsewhere(tracee, fd)) {
        info->connect_pending = false;
        observer->sockets.connects_pending--;
    }
}

static void send_to(Observer *observer, Tracee *tracee, Pending *pending, int fd, uint64_t name,
                    uint64_t length, int argument)
{
    Address address;

    if (name == 0)
        sent_on(observer, tracee, pending, fd);
    else if (read_address(observer, tracee, name, length, &address))
        draft_with_address(observer, tracee, pending, "send", fd, &address, argument,
                           ACCESS_CONNECT);
}

static void do_sendto(Observer *observer, Tracee *tracee, Pending *pending, const uint64_t *args)
{
    send_to(observer, tracee, pending, (int)(uint32_t)args[0], args[4], (uint32_t)args[5], 4);
}

static bool is_compat(const Call *call)
{
    return call->arch == ARCH_I386 || call->arch == ARCH_ARM || call->arch == ARCH_X32;
}

/* msg_name and msg_namelen, the first two members of struct msghdr. */
static void send_message(Observer *observer, Tracee *tracee, Pending *pending, int fd, uint64_t at)
{
    uint64_t name = 0;
    uint32_t length = 0;
    uint32_t compat[2];
    unsigned char head[sizeof name + sizeof length];

    if (is_compat(&pending->call)) {
        if (tracee_read(tracee, at, compat, sizeof compat) < 0)
            return;
        name = compat[0];
        length = compat[1];
    } else {
        if (tracee_read(tracee, at, head, sizeof head) < 0)
            return;
        memcpy(&name, head, sizeof name);
        memcpy(&length, head + sizeof name, sizeof length);
    }
    send_to(observer, tracee, pending, fd, name, length, 1);
}

static void do_accept(Observer *observer, Tracee *tracee, Pending *pending, const char *operation,
                      int fd)
{
    const SocketInfo *info = socket_table_get(&observer->sockets, tracee, fd);

    if (!info || info->domain < 0)
        return;
    if (info->domain == AF_UNIX)
        draft_unix(observer, tracee, pending, operation, info->type, NULL, -1, 0);
    else
        draft_network(observer, tracee, pending, operation, info->domain, info->type,
                      info->protocol, NULL, DRAFT_ALWAYS);
}

/* ---- one handler a call --------------------------------------------------------------------- */

static void enter_socket(Observer *observer, Tracee *tracee, Pending *pending)
{
    draft_new_socket(observer, tracee, pending, "socket", pending->call.args);
}

static void enter_socketpair(Observer *observer, Tracee *tracee, Pending *pending)
{
    draft_new_socket(observer, tracee, pending, "socketpair", pending->call.args);
}

static void enter_bind(Observer *observer, Tracee *tracee, Pending *pending)
{
    do_bind(observer, tracee, pending, pending->call.args);
}

static void enter_connect(Observer *observer, Tracee *tracee, Pending *pending)
{
    do_connect(observer, tracee, pending, pending->call.args);
}

static void enter_accept(Observer *observer, Tracee *tracee, Pending *pending)
{
    do_accept(observer, tracee, pending, "accept", arg_int(&pending->call, 0));
}

static void enter_listen(Observer *observer, Tracee *tracee, Pending *pending)
{
    do_accept(observer, tracee, pending, "listen", arg_int(&pending->call, 0));
}

static void enter_sendto(Observer *observer, Tracee *tracee, Pending *pending)
{
    do_sendto(observer, tracee, pending, pending->call.args);
}

static void enter_sendmsg(Observer *observer, Tracee *tracee, Pending *pending)
{
    send_message(observer, tracee, pending, arg_int(&pending->call, 0), pending->call.args[1]);
}

static void enter_sendmmsg(Observer *observer, Tracee *tracee, Pending *pending)
{
    const size_t step = is_compat(&pending->call) ? 32 : sizeof(struct mmsghdr);
    const uint32_t count = (uint32_t)pending->call.args[2];

    for (uint32_t i = 0; i < count && i < 64; i++)
        send_message(observer, tracee, pending, arg_int(&pending->call, 0),
                     pending->call.args[1] + i * step);
}

static void enter_write(Observer *observer, Tracee *tracee, Pending *pending)
{
    sent_on(observer, tracee, pending, arg_int(&pending->call, 0));
    if (observer->id_maps_open > 0)
        observe_id_map(observer, tracee, pending);
}

static void enter_close(Observer *observer, Tracee *tracee, Pending *pending)
{
    do_close(observer, tracee, arg_int(&pending->call, 0));
}

/* i386 and s390x: one call for all, with the arguments in memory (net/socket.c). */
static void enter_socketcall(Observer *observer, Tracee *tracee, Pending *pending)
{
    static const struct {
        const char *name;
        size_t args;
    } operations[] = {
        {NULL, 0},         {"socket", 3},   {"bind", 3},        {"connect", 3},
        {"listen", 2},     {"accept", 3},   {"getsockname", 3}, {"getpeername", 3},
        {"socketpair", 4}, {"send", 4},     {"recv", 4},        {"sendto", 6},
        {"recvfrom", 6},   {"shutdown", 2}, {"setsockopt", 5},  {"getsockopt", 5},
        {"sendmsg", 3},    {"recvmsg", 3},  {"accept4", 4},     {"recvmmsg", 5},
        {"sendmmsg", 4},
    };
    uint32_t block[SYSCALL_ARGS] = {0};
    const uint32_t operation = (uint32_t)pending->call.args[0];

    if (operation == 0 || operation >= ARRAY_LENGTH(operations) ||
        tracee_read(tracee, pending->call.args[1], block,
                    operations[operation].args * sizeof block[0]) < 0)
        return;
    for (size_t i = 0; i < SYSCALL_ARGS; i++)
        pending->call.args[i] = block[i];
    const Syscall *syscall = syscall_by_name(operations[operation].name);
    const CallHandler *handler = syscall ? observer->handlers[syscall->index] : NULL;
    if (handler)
        handler->enter(observer, tracee, pending);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

const CallHandler socket_handlers[] = {
    {NAMES("socket"), enter_socket, true},
    {NAMES("socketpair"), enter_socketpair, true},
    {NAMES("bind"), enter_bind, true},
    {NAMES("connect"), enter_connect, true},
    {NAMES("listen"), enter_listen, true},
    {NAMES("accept", "accept4"), enter_accept, false},
    {NAMES("sendto"), enter_sendto, false},
    {NAMES("sendmsg"), enter_sendmsg, false},
    {NAMES("sendmmsg"), enter_sendmmsg, false},
    {NAMES("socketcall"), enter_socketcall, true},
    {NULL, NULL, false},
};

/* Only looked at while some datagram socket is connected and has not sent, or a map of ids is open:
 * see observer.c. */
const CallHandler write_handlers[] = {
    {NAMES("write", "writev", "send", "sendfile", "sendfile64", "splice"), enter_write, false},
    {NAMES("close"), enter_close, false},
    {NULL, NULL, false},
};
