/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is allocated and nothing changed: what a line says are spans of it. */
#include "generator/strace_line.h"

#include <ctype.h>
#include <string.h>

bool strace_span_begins(const StraceSpan *span, const char *text)
{
    const size_t length = strlen(text);

    return span->length >= length && memcmp(span->text, text, length) == 0;
}

static void skip(StraceSpan *span, size_t count)
{
    span->text += count;
    span->length -= count;
}

static void skip_blanks(StraceSpan *span)
{
    while (span->length && isblank((unsigned char)*span->text))
        skip(span, 1);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes of SPAN from AT on that are of LETTERS. */
static size_t run_of(const StraceSpan *span, size_t at, const char *letters)
{
    size_t n = 0;

    while (at + n < span->length && span->text[at + n] && strchr(letters, span->text[at + n]))
        n++;
    return n;
}

static long number_of(const char *text, size_t length)
{
    long value = 0;

    for (size_t i = 0; i < length && is_digit(text[i]) && value < 1000000000; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

/* Behind a process's number: "<name>" (-Y, --decode-pids=comm), in which a ">" is escaped. */
static size_t comm_length(const StraceSpan *span, size_t at)
{
    if (at >= span->length || span->text[at] != '<')
        return 0;
    const char *end = memchr(span->text + at, '>', span->length - at);
    return end ? (size_t)(end - span->text) + 1 - at : 0;
}

/* "[pid 123]", "[pid 123<sh>]", "[  59]" (-n), "[00007f…]" (-i): true if there was one. */
static bool skip_brackets(StraceSpan *span, long *pid)
{
    size_t end;

    if (span->length == 0 || *span->text != '[')
        return false;
    if (strace_span_begins(span, "[pid ")) {
        skip(span, 5);
        skip_blanks(span);
        *pid = number_of(span->text, span->length);
        end = run_of(span, 0, "0123456789");
        end += comm_length(span, end);
        if (end == 0 || end >= span->length || span->text[end] != ']')
            return false;
    } else {
        end = 1 + run_of(span, 1, " \t");
        end += run_of(span, end, "0123456789abcdef?");
        if (end >= span->length || span->text[end] != ']')
            return false;
    }
    skip(span, end + 1);
    return true;
}

/* "(+     0.000189)", behind another time (-r). */
static bool skip_relative(StraceSpan *span)
{
    if (!strace_span_begins(span, "(+"))
        return false;
    const size_t end = 2 + run_of(span, 2, " 0123456789.");
    if (end >= span->length || span->text[end] != ')')
        return false;
    skip(span, end + 1);
    return true;
}

/* A number or a time with blanks behind. */
static bool skip_number(StraceSpan *span, long *pid)
{
    const size_t length = run_of(span, 0, "0123456789.:");
    const size_t comm = length > 0 && run_of(span, 0, "0123456789") == length && *pid == 0
                            ? comm_length(span, length)
                            : 0;

    if (comm > 0 && length + comm < span->length &&
        isblank((unsigned char)span->text[length + comm])) {
        *pid = number_of(span->text, length);
        skip(span, length + comm);
        return true;
    }
    if (length == 0 || length >= span->length || !isblank((unsigned char)span->text[length]))
        return false;
    if (run_of(span, 0, "0123456789") == length && *pid == 0)
        *pid = number_of(span->text, length);
    skip(span, length);
    return true;
}

static const char name_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

static size_t find(const StraceSpan *span, const char *text)
{
    const char *at = memmem(span->text, span->length, text, strlen(text));

    return at ? (size_t)(at - span->text) : span->length;
}

static void parse_exit(StraceSpan span, StraceLine *line)
{
    line->kind = STRACE_EXIT;
    line->status = -1;
    if (strace_span_begins(&span, "+++ exited with "))
        line->status = (int)(number_of(span.text + 16, span.length - 16) & 0xff);
}

static void parse_resumed(StraceSpan span, StraceLine *line)
{
    static const char resumed[] = " resumed>";
    size_t length;

    skip(&span, strlen("<... "));
    length = run_of(&span, 0, name_letters);
    line->name = (StraceSpan){span.text, length};
    skip(&span, length);
    if (length == 0 || !strace_span_begins(&span, resumed))
        return;
    skip(&span, strlen(resumed));
    line->rest = span;
    line->kind = STRACE_RESUMED;
}

static void parse_call(StraceSpan span, StraceLine *line)
{
    static const char unfinished[] = "<unfinished ...>";
    const size_t length = run_of(&span, 0, name_letters);

    if (length == 0 || length >= span.length || span.text[length] != '(')
        return;
    line->name = (StraceSpan){span.text, length};
    skip(&span, length + 1);
    line->rest = span;
    line->kind = STRACE_CALL;
    while (span.length && isspace((unsigned char)span.text[span.length - 1]))
        span.length--;
    if (span.length >= strlen(unfinished) &&
        memcmp(span.text + span.length - strlen(unfinished), unfinished, strlen(unfinished)) == 0) {
        line->rest.length = span.length - strlen(unfinished);
        line->kind = STRACE_UNFINISHED;
    }
}

void strace_line_parse(const char *text, size_t length, StraceLine *ret_line)
{
    StraceSpan span = {text, length};

    *ret_line = (StraceLine){.kind = STRACE_OTHER, .status = -1};
    if (span.length && span.text[span.length - 1] == '\r')
        span.length--;
    do
        skip_blanks(&span);
    while (skip_brackets(&span, &ret_line->pid) || skip_number(&span, &ret_line->pid) ||
           skip_relative(&span));
    /* "> FILE(function+0x5) [0x6]" is a frame of the stack of -k. */
    if (span.length == 0 || strace_span_begins(&span, "> ") ||
        strace_span_begins(&span, "strace: ") || strace_span_begins(&span, "Process ") ||
        strace_span_begins(&span, "[ Process ")) {
        ret_line->kind = STRACE_NOTHING;
    } else if (strace_span_begins(&span, "+++ ")) {
        parse_exit(span, ret_line);
    } else if (strace_span_begins(&span, "--- ")) {
        ret_line->kind = STRACE_SIGNAL;
    } else if (strace_span_begins(&span, "<... ")) {
        parse_resumed(span, ret_line);
    } else {
        parse_call(span, ret_line);
    }
}

/* ---- arguments ------------------------------------------------------------------------------ */

/* Past the string whose quote is at AT. */
static size_t past_string(const StraceSpan *span, size_t at)
{
    for (at++; at < span->length && span->text[at] != '"'; at++) {
        if (span->text[at] == '\\')
            at++;
    }
    return at + 1;
}

/* Past what -y puts behind a descriptor: "</etc/passwd>", in which a ">" is escaped. With -yy also
 * "<TCP:[1.2.3.4:5->6.7.8.9:80]>" and "<UNIX-STREAM:[1->2]>". */
static size_t past_angle(const StraceSpan *span, size_t at)
{
    int brackets = 0;

    for (at++; at < span->length; at++) {
        const char c = span->text[at];
        brackets += (c == '[') - (c == ']' && brackets > 0);
        if (c == '\\')
            at++;
        else if (c == '>' && (brackets == 0 || span->text[at - 1] != '-'))
            break;
    }
    return at + 1;
}

static bool opens_angle(const StraceSpan *span, size_t at)
{
    return span->text[at] == '<' && at > 0 &&
           (is_digit(span->text[at - 1]) || span->text[at - 1] == 'D') && at + 1 < span->length &&
           span->text[at + 1] != '<' && span->text[at + 1] != ' ';
}

static void add_arg(StraceCall *call, const StraceSpan *span, size_t begin, size_t end)
{
    while (begin < end && isspace((unsigned char)span->text[begin]))
        begin++;
    while (end > begin && isspace((unsigned char)span->text[end - 1]))
        end--;
    if (call->args_count < STRACE_ARGS_MAX && end > begin)
        call->args[call->args_count++] = (StraceSpan){span->text + begin, end - begin};
}

/* The index of the parenthesis that closes the arguments, or the length. */
static size_t split(const StraceSpan *span, StraceCall *call)
{
    size_t begin = 0, at = 0;
    int depth = 0;

    while (at < span->length) {
        const char c = span->text[at];
        if (c == '"') {
            at = past_string(span, at);
            continue;
        }
        if (opens_angle(span, at)) {
            at = past_angle(span, at);
            continue;
        }
        if (c == '/' && at + 1 < span->length && span->text[at + 1] == '*') {
            const StraceSpan rest = {span->text + at, span->length - at};
            at += find(&rest, "*/") + 2;
            continue;
        }
        if (depth == 0 && (c == ',' || c == ')')) {
            add_arg(call, span, begin, at);
            begin = at + 1;
            if (c == ')')
                return at;
        }
        if (strchr("([{", c) && c)
            depth++;
        else if (strchr(")]}", c) && c && depth > 0)
            depth--;
        at++;
    }
    return span->length;
}

bool strace_call_parse(const char *text, size_t length, StraceCall *ret_call)
{
    StraceSpan span = {text, length};
    StraceCall call = {0};
    const size_t end = split(&span, &call);

    if (end >= span.length)
        return false;
    skip(&span, end + 1);
    skip_blanks(&span);
    if (!strace_span_begins(&span, "="))
        return false;
    skip(&span, 1);
    skip_blanks(&span);
    call.result = span;
    *ret_call = call;
    return span.length > 0;
}
