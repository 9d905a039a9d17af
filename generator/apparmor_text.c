/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/apparmor_text.h"

#include "base/memory.h"
#include "model/policy.h"

#include <ctype.h>
#include <errno.h>

const char apparmor_pid_pattern[] =
    "{[1-9],[1-9][0-9],[1-9][0-9][0-9],[1-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9],"
    "[1-9][0-9][0-9][0-9][0-9][0-9],[1-4][0-9][0-9][0-9][0-9][0-9][0-9]}";

/* Ends an unquoted word of a profile, or means something at its start. */
static bool needs_quotes(const char *pattern)
{
    for (const char *c = pattern; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("/_.+:~%=*?[]{}@-", *c))
            return true;
    }
    return pattern[0] != '/' || strstr(pattern, "@{") != NULL || strchr(pattern, '{') != NULL;
}

/*
 * A byte as it stands. Backslash and quote in octal: the parser's lexer and its globbing do not
 * agree on how to escape them otherwise. (It keeps an octal "*" or "?" from being a wildcard, but a
 * backslash reads better.)
 */
static void append_byte(Buffer *out, unsigned char c, bool escaped)
{
    if (c && strchr("*?[]{}^", c))
        (void)buffer_printf(out, "\\%c", c);
    else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\' || (c >= 0x80 && escaped))
        (void)buffer_printf(out, "\\%03o", c);
    else
        (void)buffer_putc(out, (char)c);
}

int apparmor_append_pattern(Buffer *out, const char *pattern)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    PatternReader reader = {.at = pattern};
    const char *quote = needs_quotes(pattern) ? "\"" : "";
    PatternToken token;

    for (;;) {
        const bool escaped = *reader.at == '\\';
        if (pattern_next(&reader, &token) < 0)
            return -EINVAL;
        switch (token.kind) {
        case PATTERN_END:
            if (text.error)
                return out->error = text.error;
            return buffer_printf(out, "%s%s%s", quote, buffer_text(&text), quote);
        case PATTERN_BYTE:
            append_byte(&text, token.byte, escaped);
            break;
        case PATTERN_ONE:
            (void)buffer_putc(&text, '?');
            break;
        case PATTERN_STAR:
            (void)buffer_putc(&text, '*');
            break;
        case PATTERN_GLOBSTAR:
            (void)buffer_puts(&text, "**");
            break;
        case PATTERN_OPEN:
            (void)buffer_putc(&text, '{');
            break;
        case PATTERN_COMMA:
            (void)buffer_putc(&text, ',');
            break;
        case PATTERN_CLOSE:
            (void)buffer_putc(&text, '}');
            break;
        case PATTERN_CLASS:
        case PATTERN_VARIABLE:
            (void)buffer_append(&text, token.text, token.length);
            break;
        }
    }
}

const char apparmor_homes_definition[] = "@{HOME}=/home/* /root\n";

bool apparmor_is_in_homes(const char *pattern)
{
    const size_t length = strlen(APPARMOR_HOMES);

    return strncmp(pattern, APPARMOR_HOMES, length) == 0 && pattern[length] == '/';
}

int apparmor_append_path(Buffer *out, const char *pattern)
{
    CLEANUP(buffer_deinit) Buffer rest = BUFFER_INIT;

    if (!apparmor_is_in_homes(pattern))
        return apparmor_append_pattern(out, pattern);
    const int r = apparmor_append_pattern(&rest, pattern + strlen(APPARMOR_HOMES));
    const bool quoted = r == 0 && *buffer_text(&rest) == '"';
    return r < 0
               ? r
               : buffer_printf(out, "%s@{HOME}%s", quoted ? "\"" : "", buffer_text(&rest) + quoted);
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

const char *apparmor_signal(const char *name, char *out, size_t size)
{
    static const char *const known[] = {
        "hup",  "int",  "quit", "ill",  "trap", "abrt", "bus",  "fpe",    "kill",   "usr1",
        "segv", "usr2", "pipe", "alrm", "term", "chld", "cont", "stop",   "ttin",   "ttou",
        "urg",  "xcpu", "xfsz", "prof", "io",   "pwr",  "sys",  "stkflt", "vtalrm", "winch",
    };
    char lower[32] = "";

    if (strcmp(name, "exists") == 0 || strcmp(name, "SIG_0") == 0)
        return "exists";
    if (strncmp(name, "SIG", 3) != 0 || strlen(name) >= sizeof lower)
        return NULL;
    for (size_t i = 0; i <= strlen(name + 3); i++)
        lower[i] = (char)tolower((unsigned char)name[3 + i]);
    if (strcmp(lower, "tstp") == 0)
        return "stp";
    if (strcmp(lower, "poll") == 0)
        return "io";
    if (strncmp(lower, "rt_", 3) == 0 && isdigit((unsigned char)lower[3])) {
        (void)snprintf(out, size, "rtmin+%ld", strtol(lower + 3, NULL, 10));
        return out;
    }
    if (!is_one_of(lower, known, ARRAY_LENGTH(known)))
        return NULL;
    (void)snprintf(out, size, "%s", lower);
    return out;
}

static const char *const families[] = {
    "unix",    "inet",   "ax25",       "ipx",     "appletalk", "netrom",    "bridge",  "atmpvc",
    "x25",     "inet6",  "rose",       "netbeui", "security",  "key",       "netlink", "packet",
    "ash",     "econet", "atmsvc",     "rds",     "sna",       "irda",      "pppox",   "wanpipe",
    "llc",     "ib",     "mpls",       "can",     "tipc",      "bluetooth", "iucv",    "rxrpc",
    "isdn",    "phonet", "ieee802154", "caif",    "alg",       "nfc",       "vsock",   "kcm",
    "qipcrtr", "smc",    "xdp",        NULL,
};

const char *const *apparmor_families(void)
{
    return families;
}

bool apparmor_knows_family(const char *family)
{
    return is_one_of(family, families, ARRAY_LENGTH(families) - 1);
}

bool apparmor_knows_socket_type(const char *type)
{
    static const char *const known[] = {"stream", "dgram", "seqpacket", "rdm", "raw", "packet"};

    return is_one_of(type, known, ARRAY_LENGTH(known));
}

const char *apparmor_mount_option(const char *name)
{
    static const struct {
        const char *flag;
        const char *option;
    } map[] = {
        {"MS_RDONLY", "ro"},         {"MS_NOSUID", "nosuid"},
        {"MS_NODEV", "nodev"},       {"MS_NOEXEC", "noexec"},
        {"MS_SYNCHRONOUS", "sync"},  {"MS_REC", "rec"},
        {"MS_NOATIME", "noatime"},   {"MS_NODIRATIME", "nodiratime"},
        {"MS_RELATIME", "relatime"}, {"MS_STRICTATIME", "strictatime"},
        {"MS_MANDLOCK", "mand"},     {"MS_DIRSYNC", "dirsync"},
        {"MS_SILENT", "silent"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(map); i++) {
        if (strcmp(map[i].flag, name) == 0 || strcmp(map[i].option, name) == 0)
            return map[i].option;
    }
    return strcmp(name, "rw") == 0 ? "rw" : NULL;
}
