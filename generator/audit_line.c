/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is a record if its head says so: somebody who may write to the log can put any text behind
 * the head of a message of his own, which is not taken for the kernel's. libaalogparse reads such
 * records too, but as Debian 12 has it neither the class= that newer kernels write, nor
 * addresses of unix sockets, nor seccomp's records (docs/DEPENDENCIES.md).
 */
#include "generator/audit_line.h"

#include "base/memory.h"

#include <ctype.h>
#include <string.h>

#define TEXT_LIMIT ((size_t)4096)

static bool span_is(AuditSpan span, const char *word)
{
    return span.text && span.length == strlen(word) && memcmp(span.text, word, span.length) == 0;
}

static bool begins(const char *text, size_t length, const char *word)
{
    return length >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

static bool ends(const char *text, size_t length, const char *word)
{
    const size_t n = strlen(word);

    return length >= n && memcmp(text + length - n, word, n) == 0;
}

static size_t without_blanks(const char *text, size_t length)
{
    while (length && isspace((unsigned char)text[length - 1]))
        length--;
    return length;
}

/* What stands before a record: nothing, a node's name, the time of dmesg, or the head of a syslog
 * line of the kernel or of auditd's plugin. */
static bool head_is_right(const char *text, size_t length)
{
    static const char *const senders[] = {" kernel:", " audispd:", " audisp-syslog:"};

    length = without_blanks(text, length);
    if (length && text[length - 1] == ']') {
        while (length && text[length - 1] != '[')
            length--;
        length = without_blanks(text, length ? length - 1 : 0);
    }
    if (length && text[length - 1] == '>' && length <= 4)
        length = 0; /* <5> */
    if (begins(text, length, "node=") && !memchr(text, ' ', length))
        return true;
    for (size_t i = 0; i < ARRAY_LENGTH(senders); i++) {
        if (ends(text, length, senders[i]))
            return true;
    }
    return length == 0;
}

static AuditKind kind_of(AuditSpan type, AuditSpan fields)
{
    static const struct {
        const char *type;
        AuditKind kind;
    } kinds[] = {
        {"SECCOMP", AUDIT_SECCOMP},     {"1326", AUDIT_SECCOMP},   {"UNKNOWN[1326]", AUDIT_SECCOMP},
        {"SYSCALL", AUDIT_SYSCALL},     {"1300", AUDIT_SYSCALL},   {"AVC", AUDIT_APPARMOR},
        {"PROCTITLE", AUDIT_PROCTITLE}, {"1327", AUDIT_PROCTITLE}, {"1400", AUDIT_APPARMOR},
        {"APPARMOR", AUDIT_APPARMOR},
    };
    AuditKind kind = AUDIT_OTHER;

    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (span_is(type, kinds[i].type))
            kind = kinds[i].kind;
    }
    if (begins(type.text, type.length, "APPARMOR_") || begins(type.text, type.length, "15"))
        kind = AUDIT_APPARMOR;
    if (kind == AUDIT_APPARMOR && !begins(fields.text, fields.length, "apparmor="))
        kind = AUDIT_OTHER; /* of SELinux */
    return kind;
}

static AuditSpan word_at(const char *text, const char *end)
{
    const char *c = text;

    while (c < end && !isspace((unsigned char)*c))
        c++;
    return (AuditSpan){text, (size_t)(c - text)};
}

static const char *skip_blanks(const char *text, const char *end)
{
    while (text < end && isspace((unsigned char)*text))
        text++;
    return text;
}

/* "type=AVC msg=audit(…): ", "audit: type=1400 audit(…): " */
static bool parse_stamped(const char *text, size_t length, AuditRecord *record)
{
    const char *end = text + length;
    const char *type = memmem(text, length, "type=", 5);

    if (!type)
        return false;
    const AuditSpan word = word_at(type + 5, end);
    const char *at = skip_blanks(word.text + word.length, end);
    if (begins(at, (size_t)(end - at), "msg="))
        at += 4;
    if (!begins(at, (size_t)(end - at), "audit("))
        return false;
    at += 6;
    size_t n = 0;
    while (at + n < end && (isdigit((unsigned char)at[n]) || strchr(".:", at[n])) && at[n])
        n++;
    if (n == 0 || !begins(at + n, (size_t)(end - at) - n, "):"))
        return false;
    size_t head = without_blanks(text, (size_t)(type - text));
    if (ends(text, head, "audit:"))
        head -= strlen("audit:");
    if (!head_is_right(text, head))
        return false;
    record->id = (AuditSpan){at, n};
    at = skip_blanks(at + n + 2, end);
    record->fields = (AuditSpan){at, (size_t)(end - at)};
    record->kind = kind_of(word, record->fields);
    return true;
}

/* " audit[4242]: AVC ": journald's own. The first message's head of a line is whose it is. */
static bool parse_journal(const char *text, size_t length, AuditRecord *record)
{
    const char *end = text + length;
    const char *colon = memmem(text, length, "]: ", 3);
    const char *at = memmem(text, length, " audit[", 7);

    if (!at || !colon || at > colon)
        return false;
    at += 7;
    while (at < end && isdigit((unsigned char)*at))
        at++;
    if (at != colon)
        return false;
    const AuditSpan word = word_at(colon + 3, end);
    at = skip_blanks(word.text + word.length, end);
    record->id = (AuditSpan){NULL, 0};
    record->fields = (AuditSpan){at, (size_t)(end - at)};
    record->kind = kind_of(word, record->fields);
    return word.length > 0;
}

bool audit_line_parse(const char *text, size_t length, AuditRecord *record)
{
    /* what auditd adds for people ("ENRICHED") */
    const char *more = memchr(text, '\x1d', length);

    length = more ? (size_t)(more - text) : length;
    return parse_stamped(text, length, record) || parse_journal(text, length, record);
}

/* ---- fields --------------------------------------------------------------------------------- */

/* The next KEY=VALUE at *AT; false at the end. */
static bool next_field(const char **at, const char *end, AuditSpan *key, AuditSpan *value,
                       bool *quoted)
{
    const char *c = *at;

    while ((c = skip_blanks(c, end)) < end) {
        const char *start = c;
        while (c < end && *c != '=' && !isspace((unsigned char)*c))
            c++;
        if (c >= end || *c != '=')
            continue;
        *key = (AuditSpan){start, (size_t)(c - start)};
        c++;
        *quoted = c < end && *c == '"';
        if (*quoted) {
            const char *close = memchr(c + 1, '"', (size_t)(end - c) - 1);
            *value = (AuditSpan){c + 1, (size_t)((close ? close : end) - c) - 1};
            c = close ? close + 1 : end;
        } else {
            *value = word_at(c, end);
            c += value->length;
        }
        *at = c;
        return true;
    }
    return false;
}

static bool find(const AuditRecord *record, const char *key, AuditSpan *value, bool *quoted)
{
    const char *at = record->fields.text;
    const char *end = at + record->fields.length;
    AuditSpan found;

    while (next_field(&at, end, &found, value, quoted)) {
        if (span_is(found, key))
            return true;
    }
    return false;
}

bool audit_value(const AuditRecord *record, const char *key, AuditSpan *ret_value)
{
    AuditSpan value;
    bool quoted;

    if (!find(record, key, &value, &quoted))
        return false;
    *ret_value = value;
    return true;
}

bool audit_value_is(const AuditRecord *record, const char *key, const char *wanted)
{
    AuditSpan value;

    return audit_value(record, key, &value) && span_is(value, wanted);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hexadecimal(AuditSpan value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (digit_of(value.text[i]) < 0)
            return false;
    }
    return value.length > 0 && value.length % 2 == 0;
}

static bool decode(const AuditRecord *record, const char *key, Buffer *out)
{
    AuditSpan value;
    bool quoted;

    buffer_clear(out);
    if (!find(record, key, &value, &quoted) || value.length > 2 * TEXT_LIMIT)
        return false;
    if (quoted || !is_hexadecimal(value))
        return buffer_append(out, value.text, value.length) == 0;
    for (size_t i = 0; i < value.length; i += 2) {
        const int byte = digit_of(value.text[i]) * 16 + digit_of(value.text[i + 1]);
        (void)buffer_putc(out, (char)byte);
    }
    return out->error == 0;
}

bool audit_text(const AuditRecord *record, const char *key, Buffer *out)
{
    return decode(record, key, out) && out->length <= TEXT_LIMIT && out->length > 0 &&
           !memchr(out->data, '\0', out->length);
}

bool audit_title(const AuditRecord *record, const char *key, Buffer *out)
{
    if (!decode(record, key, out) || out->length == 0)
        return false;
    for (size_t i = 0; i < out->length; i++)
        out->data[i] = out->data[i] ? out->data[i] : ' ';
    return true;
}

bool audit_number(const AuditRecord *record, const char *key, unsigned base, uint64_t *ret_number)
{
    AuditSpan value;
    uint64_t number = 0;

    if (!audit_value(record, key, &value))
        return false;
    if (begins(value.text, value.length, "0x")) {
        base = 16;
        value = (AuditSpan){value.text + 2, value.length - 2};
    }
    if (value.length == 0 || value.length > 16)
        return false;
    for (size_t i = 0; i < value.length; i++) {
        const int digit = digit_of(value.text[i]);
        if (digit < 0 || (unsigned)digit >= base)
            return false;
        number = number * base + (unsigned)digit;
    }
    *ret_number = number;
    return true;
}
