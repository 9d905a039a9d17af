/* SPDX-License-Identifier: Apache-2.0 */
#include "capture_rows.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

static void address_call(Site *site, const char *name, uint16_t type, uint16_t protocol,
                         const void *address, size_t size)
{
    const sa_family_t family = ((const struct sockaddr *)address)->sa_family;

    maker_call(&site->maker, name, 0);
    maker_event(&site->maker)->args[0] = 3;
    maker_event(&site->maker)->args[1] = 0x2000;
    maker_event(&site->maker)->args[2] = size;
    maker_socket(&site->maker, 3, family, type, protocol);
    maker_blob(&site->maker, BLOB_MEMORY, 1, 0x2000, address, size);
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void connect_inet(Site *site)
{
    const struct sockaddr_in address = loopback(80);

    address_call(site, "connect", SOCK_STREAM, IPPROTO_TCP, &address, sizeof address);
    site_take(site);
}

static void connect_datagram(Site *site)
{
    const struct sockaddr_in address = loopback(53);

    address_call(site, "connect", SOCK_DGRAM, IPPROTO_UDP, &address, sizeof address);
    site_take(site);
}

static void send_datagram(Site *site)
{
    struct file_blob *file;

    maker_call(&site->maker, "write", 1);
    maker_event(&site->maker)->args[0] = 3;
    maker_socket(&site->maker, 3, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    file = (struct file_blob *)(void *)(site->maker.bytes + sizeof(struct event) +
                                        sizeof(struct blob));
    file->peer_port = 53;
    memcpy(file->peer_address, &(struct in_addr){htonl(0x0a000001)}, 4);
    site_take(site);
}

static void bind_unix(Site *site)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};

    site_make_file(site, "sock", ""); /* by the time that it is looked at */
    address_call(site, "bind", SOCK_STREAM, 0, &address, sizeof address);
    maker_file(&site->maker, BLOB_FOLDER, 1, site->folder, S_IFDIR | 0755, 0);
    site_take(site);
}

static void connect_abstract(Site *site)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0name"};

    address_call(site, "connect", SOCK_STREAM, 0, &address, sizeof(sa_family_t) + 5);
    site_take(site);
}

static void accepted(Site *site)
{
    maker_call(&site->maker, "accept4", 9);
    maker_event(&site->maker)->args[0] = 3;
    maker_socket(&site->maker, 3, AF_INET6, SOCK_STREAM, IPPROTO_TCP);
    site_take(site);
}

static void sent_message(Site *site)
{
    const struct sockaddr_in address = loopback(514);
    struct msghdr header = {.msg_namelen = sizeof address};

    header.msg_name = (void *)(uintptr_t)0x3000;
    maker_call(&site->maker, "sendmsg", 1);
    maker_event(&site->maker)->args[0] = 3;
    maker_event(&site->maker)->args[1] = 0x2000;
    maker_socket(&site->maker, 3, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    maker_blob(&site->maker, BLOB_MEMORY, 1, 0x2000, &header, sizeof header);
    maker_blob(&site->maker, BLOB_MEMORY, 1, 0x3000, &address, sizeof address);
    site_take(site);
}

/* clang-format off */
const CaptureRow capture_rows_network[] = {
    {"connect", connect_inet,
     "syscall connect ok\nnetwork connect inet stream tcp 80 loopback ok\n"},
    {"connect-datagram", connect_datagram, "syscall connect ok\n"},
    {"send-datagram", send_datagram,
     "syscall write ok\nnetwork connect inet dgram udp 53 private ok\n"},
    {"bind-unix", bind_unix,
     "syscall bind ok\nfile @/sock write+create owner ok\nunix bind stream @/sock ok\n"},
    {"connect-abstract", connect_abstract,
     "syscall connect ok\nunix connect stream @name ok\n"},
    {"accept", accepted, "syscall accept4 ok\nnetwork accept inet6 stream tcp ok\n"},
    {"sendmsg", sent_message,
     "syscall sendmsg ok\nnetwork send inet dgram udp 514 loopback ok\n"},
    {NULL, NULL, NULL},
};
/* clang-format on */
