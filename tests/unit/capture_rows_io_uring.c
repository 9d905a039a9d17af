/* SPDX-License-Identifier: Apache-2.0 */
#include "capture_rows.h"
#include "model/tables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY = 100, RESULT_KEY = 200, KERNEL_ADDRESS = 0x7000, FD = 3 };

/* An operation whose result comes. */
static struct event *begin(Site *site, const char *operation)
{
    uint64_t number = 0;

    while (io_uring_operation(number) != io_uring_operation_by_name(operation))
        number++;
    maker_begin(&site->maker, EVENT_IO_URING);
    struct event *event = maker_event(&site->maker);
    event->flags |= EVENT_NO_RESULT | EVENT_RESULT_COMES;
    event->value = number;
    event->key = KEY;
    return event;
}

static void begin_open(Site *site, const char *name, uint64_t flags)
{
    begin(site, "IORING_OP_OPENAT")->args[2] = flags;
    maker_text(&site->maker, 1, name);
    maker_file(&site->maker, BLOB_FOLDER, 1, site->folder, S_IFDIR | 0755, 0);
}

/* Then it can be given what was opened. */
static struct event *begin_result(Site *site, int64_t result)
{
    maker_begin(&site->maker, EVENT_IO_RESULT);
    struct event *event = maker_event(&site->maker);
    event->program = 0;
    event->key = RESULT_KEY + (uint64_t)-result;
    event->value = KEY;
    event->result = result;
    return event;
}

static void end(Site *site, int64_t result)
{
    (void)begin_result(site, result);
    site_take(site);
}

static void end_unknown(Site *site)
{
    begin_result(site, 0)->flags |= EVENT_NO_RESULT;
    site_take(site);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void opened(Site *site)
{
    begin_open(site, "link", O_WRONLY | O_CREAT);
    site_take(site);
    begin_result(site, 5);
    maker_file(&site->maker, BLOB_RESULT, 5, site_path(site, "file"), S_IFREG | 0644, 0);
    site_take(site);
}

static void opened_and_made(Site *site)
{
    begin_open(site, "file", O_WRONLY | O_CREAT);
    site_take(site);
    begin_result(site, 5);
    maker_file(&site->maker, BLOB_RESULT, 5, site_path(site, "file"), S_IFREG | 0644, FILE_CREATED);
    site_take(site);
}

/* Of a registered file nobody tells what it is. */
static void opened_registered(Site *site)
{
    site_make_file(site, "file", "");
    begin_open(site, "file", O_WRONLY | O_CREAT);
    site_take(site);
    end(site, 0);
}

/* Whether the file is there is looked up each time. */
static void opened_after_all(Site *site)
{
    begin_open(site, "file", O_RDONLY);
    site_take(site);
    end(site, -ENOENT);
    site_make_file(site, "file", "");
    end(site, 5);
    end(site, -EMFILE);
}

static void opened_by_structure(Site *site)
{
    const struct open_how how = {.flags = O_RDWR | O_TRUNC};
    struct event *event = begin(site, "IORING_OP_OPENAT2");

    site_make_file(site, "file", "");
    event->args[2] = KERNEL_ADDRESS;
    event->args[3] = sizeof how;
    maker_text(&site->maker, 1, "file");
    maker_file(&site->maker, BLOB_FOLDER, 1, site->folder, S_IFDIR | 0755, 0);
    maker_blob(&site->maker, BLOB_MEMORY, 2, KERNEL_ADDRESS, &how, sizeof how);
    site_take(site);
    end(site, 5);
}

static void never_ended(Site *site)
{
    site_make_file(site, "file", "");
    begin_open(site, "file", O_RDONLY);
    site_take(site);
}

static void nobody_saw_the_end(Site *site)
{
    never_ended(site);
    end_unknown(site);
    end_unknown(site);
    capture_count(site->capture, RESULT_KEY, 1);
}

static void one_ended(Site *site)
{
    never_ended(site);
    end(site, 5);
    end_unknown(site);
}

static void ended_unsubmitted(Site *site)
{
    end(site, 0);
    end_unknown(site);
}

static void told_twice(Site *site)
{
    (void)begin(site, "IORING_OP_NOP");
    site_take(site);
    site_take(site);
    end(site, 0);
}

static void program_comes_late(Site *site)
{
    begin(site, "IORING_OP_NOP")->program = 9;
    site_take(site);
    end(site, 0);
    site_tell_program(site, 9, "/usr/bin/nine");
}

static void counted(Site *site)
{
    Fact view;

    (void)begin(site, "IORING_OP_NOP");
    site_take(site);
    end(site, 0);
    capture_count(site->capture, KEY, 7);
    capture_count(site->capture, RESULT_KEY, 5);
    ck_assert_uint_eq(fact_count(recording_fact(site->recording, 0, &view)), 5);
}

static void address_operation(Site *site, const char *operation, unsigned argument, uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct event *event = begin(site, operation);

    event->args[0] = FD;
    event->args[argument] = KERNEL_ADDRESS;
    event->args[argument + 1] = sizeof address;
    maker_socket(&site->maker, FD, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    maker_blob(&site->maker, BLOB_MEMORY, (int32_t)argument, KERNEL_ADDRESS, &address,
               sizeof address);
    site_take(site);
    end(site, 0);
}

static void bound(Site *site)
{
    address_operation(site, "IORING_OP_BIND", 1, 53);
}

static void sent(Site *site)
{
    address_operation(site, "IORING_OP_SEND_ZC", 4, 54);
}

static void on_registered_file(Site *site)
{
    (void)begin(site, "IORING_OP_LISTEN");
    site_take(site);
    begin_result(site, 0);
    maker_socket(&site->maker, 0, AF_INET, SOCK_STREAM, IPPROTO_TCP);
    site_take(site);
}

static void on_unseen_file(Site *site)
{
    (void)begin(site, "IORING_OP_ACCEPT");
    site_take(site);
    end_unknown(site);
}

/* It failed, whatever it was. */
static void on_no_file(Site *site)
{
    (void)begin(site, "IORING_OP_ACCEPT");
    site_take(site);
    end(site, -EBADF);
}

/* clang-format off */
const CaptureRow capture_rows_io_uring[] = {
    {"ring-open", opened,
     "file @/file write regular owner ok\nio_uring IORING_OP_OPENAT ok\n"},
    {"ring-open-made", opened_and_made,
     "file @/file write+create owner ok\nio_uring IORING_OP_OPENAT ok\n"},
    {"ring-open-registered", opened_registered,
     "file @/file write+create owner ok\nio_uring IORING_OP_OPENAT ok\n"},
    {"ring-open-after-all", opened_after_all,
     "file @/file read ENOENT\nfile @/file read regular owner ok EMFILE\n"
     "io_uring IORING_OP_OPENAT ok ENOENT EMFILE\n"},
    {"ring-open-structure", opened_by_structure,
     "file @/file read+write+truncate regular owner ok\nio_uring IORING_OP_OPENAT2 ok\n"},
    {"ring-never-ended", never_ended,
     "file @/file read regular owner unknown\nio_uring IORING_OP_OPENAT unknown\n"},
    {"ring-end-unseen", nobody_saw_the_end,
     "file @/file read regular owner unknown\nio_uring IORING_OP_OPENAT unknown\n"},
    {"ring-one-ended", one_ended,
     "file @/file read regular owner ok unknown\nio_uring IORING_OP_OPENAT ok unknown\n"},
    {"ring-unsubmitted", ended_unsubmitted, ""},
    {"ring-told-twice", told_twice, "io_uring IORING_OP_NOP ok\n"},
    {"ring-program-late", program_comes_late, "io_uring IORING_OP_NOP ok by /usr/bin/nine\n"},
    {"ring-counted", counted, "io_uring IORING_OP_NOP ok\n"},
    {"ring-bind", bound,
     "network bind inet dgram udp 53 loopback ok\nio_uring IORING_OP_BIND ok\n"},
    {"ring-send", sent,
     "network send inet dgram udp 54 loopback ok\nio_uring IORING_OP_SEND_ZC ok\n"},
    {"ring-registered", on_registered_file,
     "network listen inet stream tcp ok\nio_uring IORING_OP_LISTEN ok\n"},
    {"ring-unseen-file", on_unseen_file,
     "io_uring IORING_OP_ACCEPT unknown\nloss unreadable-argument\n"},
    {"ring-no-file", on_no_file, "io_uring IORING_OP_ACCEPT EBADF\n"},
    {NULL, NULL, NULL},
};
/* clang-format on */
