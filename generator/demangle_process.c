/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libiberty's readers of names (those of binutils and GDB) give their text in pieces to a function
 * that cannot stop them. But this process can end there: so text is bounded while it is made. Where
 * a name takes long without text, RLIMIT_CPU ends it. Seccomp's strict mode leaves it read(2),
 * write(2) and exit(2); memory for the readers is on the stack, whose depth they bound themselves.
 */
#include "generator/demangle_process.h"

#include "generator/demangle.h"

#include <libiberty/demangle.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Text after which no more of a name is made. */
enum { MADE_MAX = 256 * 1024 };

static const char more[] = "…";

typedef struct Text {
    char bytes[DEMANGLED_MAX + sizeof more];
    size_t length; /* of what is kept */
    size_t made;
    int socket;
} Text;

/* exit_group(2), which _exit() makes, is none of the three. */
static _Noreturn void leave(void)
{
    for (;;)
        (void)syscall(SYS_exit, 0);
}

static void confine(int socket)
{
    const struct rlimit second = {1, 1};
    const struct rlimit none = {0, 0};
    const unsigned fd = (unsigned)socket;

    /* A process that is not dumpable leaves no core either if what ends it is an error of
     * libiberty. */
    if ((fd > 0 && syscall(SYS_close_range, 0, fd - 1, 0) < 0) ||
        syscall(SYS_close_range, fd + 1, ~0u, 0) < 0 || setrlimit(RLIMIT_CPU, &second) < 0 ||
        setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) < 0)
        leave();
}

/* Behind the last whole character of what is kept. */
static void cut(Text *text)
{
    size_t end = text->length;

    while (end > 0 && ((unsigned char)text->bytes[end - 1] & 0xc0) == 0x80)
        end--;
    if (end > 0 && (unsigned char)text->bytes[end - 1] >= 0xc0)
        text->length = end - 1;
    memcpy(text->bytes + text->length, more, sizeof more - 1);
    text->length += sizeof more - 1;
}

static void answer(Text *text, bool last)
{
    if (text->made > text->length)
        cut(text);
    text->bytes[text->length] = '\0';
    if (write(text->socket, text->bytes, text->length + !last) < 0 || last)
        leave();
}

static void take(const char *bytes, size_t length, void *data)
{
    Text *text = data;
    const size_t room = DEMANGLED_MAX - text->length;
    const size_t kept = length < room ? length : room;

    memcpy(text->bytes + text->length, bytes, kept);
    text->length += kept;
    text->made += length;
    if (text->made > MADE_MAX)
        answer(text, true);
}

/* The version of a symbol (@@GLIBCXX_3.4) is no part of its name. */
static void make_readable(char *name, Text *text)
{
    enum { OPTIONS = DMGL_PARAMS | DMGL_ANSI };
    const size_t length = strcspn(name, "@");
    char version[MANGLED_MAX + 1];

    memcpy(version, name + length, strlen(name + length) + 1);
    name[length] = '\0';
    bool made = rust_demangle_callback(name, OPTIONS, take, text) != 0;
    if (!made) {
        text->length = text->made = 0;
        made = cplus_demangle_v3_callback(name, OPTIONS, take, text) != 0;
    }
    if (made)
        take(version, strlen(version), text);
    else
        text->length = text->made = 0;
}

_Noreturn void demangle_serve(int socket)
{
    char name[MANGLED_MAX + 1];
    ssize_t length;

    confine(socket);
    while ((length = read(socket, name, sizeof name - 1)) > 0) {
        Text text = {.socket = socket};
        name[length] = '\0';
        make_readable(name, &text);
        answer(&text, false);
    }
    leave();
}
