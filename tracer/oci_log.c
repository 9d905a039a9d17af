/* SPDX-License-Identifier: Apache-2.0 */
/* One line is one write(2), at the end of the file: the runtime writes to it at the same time. */
#include "tracer/oci_log.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

static const struct {
    const char *name;
    int priority; /* of syslog(3) */
} levels[OCI_LOG_LEVELS] = {
    [OCI_LOG_DEBUG] = {"debug", LOG_DEBUG},
    [OCI_LOG_INFO] = {"info", LOG_INFO},
    [OCI_LOG_WARNING] = {"warning", LOG_WARNING},
    [OCI_LOG_ERROR] = {"error", LOG_ERR},
};

/* ---- escaping -------------------------------------------------------------------------------- */

/* The code point of the UTF-8 sequence at P, and its length; length 0: it is none. */
static uint32_t decode(const unsigned char *p, size_t *ret_length)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t smallest;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

    *ret_length = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        if ((*p & forms[i].mask) != forms[i].lead)
            continue;
        uint32_t code = *p & (unsigned char)~forms[i].mask;
        for (size_t k = 1; k <= i; k++) {
            if ((p[k] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (p[k] & 0x3f);
        }
        if (code < forms[i].smallest || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return 0;
        *ret_length = i + 1;
        return code;
    }
    return 0;
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* '"', backslash and what has a letter in Go as well as in JSON. */
static char short_escape(uint32_t code)
{
    static const char codes[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = code > 0 && code < 0x80 ? strchr(codes, (int)code) : NULL;

    return found ? letters[found - codes] : '\0';
}

/* As Go's %q, or as JSON, which has no \xHH: there what is no UTF-8 is U+FFFD, as in Go. */
static void append_quoted(Buffer *out, const char *text, bool json)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t length;

    (void)buffer_putc(out, '"');
    for (; *p; p += length ? length : 1) {
        const uint32_t code = decode(p, &length);
        if (length == 0 && json)
            (void)buffer_puts(out, "\\ufffd");
        else if (length == 0)
            (void)buffer_printf(out, "\\x%02x", *p);
        else if (short_escape(code))
            (void)buffer_printf(out, "\\%c", short_escape(code));
        else if (is_control(code))
            (void)buffer_printf(out, json || code >= 0x80 ? "\\u%04x" : "\\x%02x", code);
        else
            (void)buffer_append(out, p, length);
    }
    (void)buffer_putc(out, '"');
}

/* logrus quotes only what needs it. */
static void append_text(Buffer *out, const char *text)
{
    const size_t plain = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-._/@^+");
    if (*text && text[plain] == '\0')
        (void)buffer_puts(out, text);
    else
        append_quoted(out, text, false);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* RFC 3339 with seconds, in local time as Go has it. */
static void format_time(char *text, size_t size, time_t when)
{
    struct tm tm = {0};

    if (!localtime_r(&when, &tm))
        (void)gmtime_r(&when, &tm);
    size_t length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
    const long minutes = tm.tm_gmtoff / 60;
    if (minutes == 0)
        (void)snprintf(text + length, size - length, "Z");
    else
        (void)snprintf(text + length, size - length, "%c%02ld:%02ld", minutes < 0 ? '-' : '+',
                       labs(minutes) / 60, labs(minutes) % 60);
}

static void append_json(Buffer *out, const char *level, const char *date, const char *message,
                        const OciLogField *fields, size_t fields_count)
{
    (void)buffer_printf(out, "{\"level\":\"%s\",\"msg\":", level);
    append_quoted(out, message, true);
    (void)buffer_printf(out, ",\"time\":\"%s\"", date);
    for (size_t i = 0; i < fields_count; i++) {
        (void)buffer_printf(out, ",\"%s\":", fields[i].key);
        append_quoted(out, fields[i].value, true);
    }
    (void)buffer_puts(out, "}\n");
}

int oci_log_format(Buffer *out, bool json, OciLogLevel level, time_t when, const char *message,
                   const OciLogField *fields, size_t fields_count)
{
    char date[64];

    format_time(date, sizeof date, when);
    if (json) {
        append_json(out, levels[level].name, date, message, fields, fields_count);
        return out->error;
    }
    (void)buffer_printf(out, "time=\"%s\" level=%s msg=", date, levels[level].name);
    append_text(out, message);
    for (size_t i = 0; i < fields_count; i++) {
        (void)buffer_printf(out, " %s=", fields[i].key);
        append_text(out, fields[i].value);
    }
    return buffer_putc(out, '\n');
}

/* ---- where to -------------------------------------------------------------------------------- */

typedef struct Message {
    const char *text; /* as it is */
    OciLogLevel level;
    const Buffer *line;    /* formatted */
    const char *parameter; /* of the place: a path, or who logs */
} Message;

static int to_standard_error(const Message *message)
{
    return write_all(STDERR_FILENO, message->line->data, message->line->length);
}

static int to_file(const Message *message)
{
    /* A pipe without a reader shall not hold up a container. */
    CLEANUP(fd_close)
    int fd = open(message->parameter,
                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);

    if (fd < 0)
        return -errno;
    return write_all(fd, message->line->data, message->line->length);
}

static int send_to(const char *path, const Buffer *datagram)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const ssize_t sent = sendto(fd, datagram->data, datagram->length, MSG_NOSIGNAL,
                                (const struct sockaddr *)&address, sizeof address);
    return sent < 0 ? -errno : 0;
}

static const char *identifier(const Message *message)
{
    return *message->parameter ? message->parameter : "whittle-oci";
}

static int to_syslog(const Message *message)
{
    CLEANUP(buffer_deinit) Buffer datagram = BUFFER_INIT;

    const int r =
        buffer_printf(&datagram, "<%d>%s[%d]: %s", LOG_DAEMON | levels[message->level].priority,
                      identifier(message), (int)getpid(), message->text);
    return r < 0 ? r : send_to("/dev/log", &datagram);
}

/* https://systemd.io/JOURNAL_NATIVE_PROTOCOL: a value with newlines has its length before it. */
static int to_journal(const Message *message)
{
    CLEANUP(buffer_deinit) Buffer datagram = BUFFER_INIT;
    const uint64_t length = strlen(message->text);

    (void)buffer_printf(&datagram, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE\n",
                        levels[message->level].priority, identifier(message));
    for (unsigned shift = 0; shift < 64; shift += 8)
        (void)buffer_putc(&datagram, (char)(length >> shift & 0xff));
    (void)buffer_puts(&datagram, message->text);
    const int r = buffer_putc(&datagram, '\n');
    return r < 0 ? r : send_to("/run/systemd/journal/socket", &datagram);
}

static const struct {
    const char *prefix;
    int (*write)(const Message *message);
} places[] = {
    {"file:", to_file},
    {"syslog:", to_syslog},
    {"journald:", to_journal},
};

int oci_log(const char *log, const char *format, OciLogLevel level, const char *message,
            const OciLogField *fields, size_t fields_count)
{
    CLEANUP(buffer_deinit) Buffer line = BUFFER_INIT;
    const bool json = format && strcmp(format, "json") == 0;
    Message one = {.text = message, .level = level, .line = &line, .parameter = log};

    const int r = oci_log_format(&line, json, level, time(NULL), message, fields, fields_count);
    if (r < 0)
        return r;
    /* The file of that name cannot be opened if standard error is a socket. */
    if (!log || !*log || strcmp(log, "/dev/stderr") == 0)
        return to_standard_error(&one);
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        const size_t length = strlen(places[i].prefix);
        if (strncmp(log, places[i].prefix, length) == 0) {
            one.parameter = log + length;
            return places[i].write(&one);
        }
    }
    return to_file(&one);
}
