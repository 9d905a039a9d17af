/* SPDX-License-Identifier: Apache-2.0 */
/* What the arguments and the result of a call say, in the words of the tables. */
#include "generator/strace_values.h"

#include "base/error.h"
#include "base/memory.h"

#include <ctype.h>
#include <fcntl.h>

/* ---- results and values --------------------------------------------------------------------- */

/* RESULT_OK, an errno or RESULT_UNKNOWN. */
int strace_result(const StraceSpan *result)
{
    char name[32] = "";
    size_t length = 0;

    if (*result->text == '?')
        return RESULT_UNKNOWN;
    if (!strace_span_begins(result, "-1 E"))
        return RESULT_OK;
    while (3 + length < result->length && length + 1 < sizeof name &&
           (isalnum((unsigned char)result->text[3 + length])))
        length++;
    memcpy(name, result->text + 3, length);
    const int error = errno_from_name(name);
    return error > 0 && error < RESULT_UNKNOWN ? error : RESULT_UNKNOWN;
}

/* Behind "name=" where strace writes the argument's name, as of clone(). */
static StraceSpan value_of(const StraceSpan *arg)
{
    size_t at = 0;

    while (at < arg->length && (islower((unsigned char)arg->text[at]) || arg->text[at] == '_'))
        at++;
    if (at == 0 || at >= arg->length || arg->text[at] != '=')
        return *arg;
    return (StraceSpan){arg->text + at + 1, arg->length - at - 1};
}

/* What is outside of a family's mask has no name in it: SOCK_CLOEXEC, SIGCHLD of clone(). */
static bool is_noise(const FlagFamily *family, const char *word)
{
    return strcmp(word, "SOCK_CLOEXEC") == 0 || strcmp(word, "SOCK_NONBLOCK") == 0 ||
           (family->style == FLAG_STYLE_FLAGS && isupper((unsigned char)*word));
}

static bool parse_value(const FlagFamily *family, const StraceSpan *span, uint64_t *ret_value)
{
    char text[256];
    uint64_t value = 0;
    char *rest = text;

    if (span->length == 0 || span->length >= sizeof text)
        return false;
    memcpy(text, span->text, span->length);
    text[span->length] = '\0';
    char *comment = strstr(text, " /*");
    if (comment)
        *comment = '\0';
    for (char *word = strsep(&rest, "|"); word; word = strsep(&rest, "|")) {
        uint64_t part;
        if (flag_parse(family, word, &part) == 0)
            value |= part;
        else if (!is_noise(family, word))
            return false;
    }
    *ret_value = value & family->mask;
    return true;
}

/* Fills in the selectors that can be decoded; one alone that cannot leaves the call without any. */
void strace_set_selectors(const Syscall *syscall, const StraceCall *call, Fact *fact)
{
    uint64_t args[SYSCALL_ARGS] = {0};
    uint8_t present = 0;

    for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
        const FlagFamily *family = syscall->args[i].family;
        size_t at = i;
        if (syscall->args[i].role != ROLE_SELECTOR)
            continue;
        /* strace puts clone()'s flags second, behind their name. */
        for (size_t n = 0; n < call->args_count && strcmp(syscall->name, "clone") == 0; n++)
            at = strace_span_begins(&call->args[n], "flags=") ? n : at;
        if (at >= call->args_count || !family)
            return;
        const FlagFamily *finer = syscall_arg_family(syscall, i, args);
        const StraceSpan value = value_of(&call->args[at]);
        if (!(finer && parse_value(finer, &value, &args[i])) &&
            !parse_value(family, &value, &args[i]))
            return;
        args[i] &= family->mask;
        present |= (uint8_t)(1u << i);
    }
    fact->args_present = present;
    memcpy(fact->args, args, sizeof args);
}

bool strace_span_has(const StraceSpan *span, const char *word)
{
    return memmem(span->text, span->length, word, strlen(word)) != NULL;
}

/* ---- opens ---------------------------------------------------------------------------------- */

/* Flags as a number, of -X raw. */
static uint32_t open_number_access(const StraceSpan *span, bool *ret_directory)
{
    char text[24] = "";

    memcpy(text, span->text, span->length < sizeof text ? span->length : sizeof text - 1);
    const unsigned long flags = strtoul(text, NULL, 0);
    const unsigned long way = flags & O_ACCMODE;
    uint32_t access = 0;

    *ret_directory = flags & O_DIRECTORY && (flags & O_TMPFILE) != O_TMPFILE;
    if (flags & O_PATH)
        return ACCESS_STAT;
    access |= way == O_RDONLY || way == O_RDWR ? ACCESS_READ : 0;
    if (way == O_WRONLY || way == O_RDWR)
        access |= flags & O_APPEND ? ACCESS_APPEND : ACCESS_WRITE;
    access |= flags & O_CREAT ? ACCESS_CREATE : 0;
    access |= flags & O_TRUNC ? ACCESS_TRUNCATE : 0;
    return access;
}

uint32_t strace_open_access(const StraceSpan *flags, bool *ret_directory)
{
    static const struct {
        const char *word;
        uint32_t access;
    } words[] = {
        {"O_RDONLY", ACCESS_READ},
        {"O_WRONLY", ACCESS_WRITE},
        {"O_RDWR", ACCESS_READ | ACCESS_WRITE},
        {"O_CREAT", ACCESS_CREATE},
        {"O_TRUNC", ACCESS_TRUNCATE},
    };
    uint32_t access = 0;

    if (flags->length > 0 && isdigit((unsigned char)flags->text[0]))
        return open_number_access(flags, ret_directory);
    /* Of O_TMPFILE the word is another, and what it opens a file. */
    *ret_directory = strace_span_has(flags, "O_DIRECTORY");
    if (strace_span_has(flags, "O_PATH"))
        return ACCESS_STAT;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        access |= strace_span_has(flags, words[i].word) ? words[i].access : 0;
    if (strace_span_has(flags, "O_APPEND") && access & ACCESS_WRITE)
        access = (access & ~(uint32_t)ACCESS_WRITE) | ACCESS_APPEND;
    return access;
}

/* ---- paths ---------------------------------------------------------------------------------- */

/* Appends what a C string of strace stands for. False if SPAN is no whole one. */
static bool append_string(const StraceSpan *span, size_t at, char quote, Buffer *out)
{
    static const char letters[] = "abfnrtv\"\\<>", bytes[] = "\a\b\f\n\r\t\v\"\\<>";

    for (; at < span->length && span->text[at] != quote; at++) {
        if (span->text[at] != '\\') {
            (void)buffer_putc(out, span->text[at]);
            continue;
        }
        if (++at >= span->length)
            return false;
        const char *letter = strchr(letters, span->text[at]);
        unsigned value = 0, digits = 0;
        if (letter && *letter) {
            (void)buffer_putc(out, bytes[letter - letters]);
            continue;
        }
        if (span->text[at] == 'x') {
            while (digits < 2 && at + 1 < span->length &&
                   isxdigit((unsigned char)span->text[at + 1])) {
                const char c = span->text[++at];
                value = value * 16 + (unsigned)(isdigit((unsigned char)c)
                                                    ? c - '0'
                                                    : tolower((unsigned char)c) - 'a' + 10);
                digits++;
            }
        } else {
            for (;
                 digits < 3 && at < span->length && span->text[at] >= '0' && span->text[at] <= '7';
                 digits++)
                value = value * 8 + (unsigned)(span->text[at++] - '0');
            at -= digits > 0;
        }
        if (digits == 0 || value == 0 || value > 255)
            return false;
        (void)buffer_putc(out, (char)value);
    }
    return at < span->length;
}

/* The path that -y puts behind a descriptor, and -yy with the device's number in another pair of
 * angle brackets. In names both brackets are escaped. */
bool strace_descriptor_path(const StraceSpan *span, Buffer *out)
{
    const char *angle = memchr(span->text, '<', span->length);
    const size_t left = angle ? span->length - (size_t)(angle + 1 - span->text) : 0;

    /* -xx writes each byte so. */
    if (left == 0 || (angle[1] != '/' && (left < 4 || memcmp(angle + 1, "\\x2f", 4) != 0)))
        return false;
    /* A "<" behind the name is that of -T's time. */
    const char *end = memchr(angle + 1, '>', left);
    const bool device = end && memchr(angle + 1, '<', (size_t)(end - angle - 1));
    return append_string(span, (size_t)(angle + 1 - span->text), device ? '<' : '>', out);
}

/* Takes "//", "/./" and "/name/.." out of an absolute path, as text. */
static void normalise(Buffer *path)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    for (const char *at = buffer_text(path); *at;) {
        const size_t length = strcspn(at, "/");
        if (length == 2 && at[0] == '.' && at[1] == '.') {
            while (out.length && out.data[--out.length] != '/')
                ;
        } else if (length > 0 && !(length == 1 && at[0] == '.')) {
            (void)buffer_putc(&out, '/');
            (void)buffer_append(&out, at, length);
        }
        at += length + (at[length] == '/');
    }
    buffer_clear(path);
    (void)buffer_append(path, out.length ? out.data : "/", out.length ? out.length : 1);
}

bool strace_is_cwd(const StraceSpan *span)
{
    return strace_span_begins(span, "AT_FDCWD") || strace_span_begins(span, "-100");
}

/* The folder that a relative path of argument INDEX starts at. False if it cannot be known. */
static bool append_folder(const Syscall *syscall, const StraceCall *call, unsigned index,
                          const char *cwd, Buffer *out)
{
    if (index > 0 && syscall->args[index - 1].role == ROLE_DIRFD) {
        const StraceSpan *folder = &call->args[index - 1];
        if (strace_descriptor_path(folder, out))
            return true;
        if (!strace_is_cwd(folder))
            return false;
    }
    return cwd && buffer_puts(out, cwd) == 0;
}

/* The path of argument INDEX, absolute. False if it cannot be known. */
bool strace_argument_path(const Syscall *syscall, const StraceCall *call, unsigned index,
                          const char *cwd, Buffer *out, bool *ret_relative)
{
    const StraceSpan *arg = &call->args[index];
    CLEANUP(buffer_deinit) Buffer given = BUFFER_INIT;

    if (arg->text[0] != '"' || !append_string(arg, 1, '"', &given))
        return false;
    if (arg->text[arg->length - 1] != '"') /* cut: "/usr/lo"... */
        return false;
    if (*buffer_text(&given) != '/') {
        /* With AT_EMPTY_PATH the descriptor itself; what is asked of it needs no path. */
        const PathOperation *operation = syscall->args[index].operation;
        const bool empty = given.length == 0 && (!operation || operation->access == ACCESS_STAT);
        if (!append_folder(syscall, call, index, empty ? NULL : cwd, out)) {
            *ret_relative = !empty;
            return false;
        }
        (void)buffer_putc(out, '/');
    }
    (void)buffer_puts(out, buffer_text(&given));
    normalise(out);
    return !out->error;
}
