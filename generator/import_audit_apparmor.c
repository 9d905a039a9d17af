/* SPDX-License-Identifier: Apache-2.0 */
/* AppArmor's audit records to facts. What a record is about is told by its keys: capname= is a
 * capability, family= a socket, signal= a signal, name= with a mask of file rights a file. */
#include "base/memory.h"
#include "generator/import_audit.h"
#include "generator/import_private.h"

#include <ctype.h>

/* A value as a word; false where it is missing, or is longer than a word of these. */
static bool word_of(const AuditRecord *record, const char *key, char *out, size_t size)
{
    AuditSpan value;

    if (!audit_value(record, key, &value) || value.length == 0 || value.length >= size ||
        memchr(value.text, '\0', value.length))
        return false;
    memcpy(out, value.text, value.length);
    out[value.length] = '\0';
    return true;
}

/* ---- files ---------------------------------------------------------------------------------- */

static uint32_t mask_access(const char *mask)
{
    static const struct {
        char letter;
        uint32_t access;
    } letters[] = {
        {'r', ACCESS_READ},   {'w', ACCESS_WRITE},  {'a', ACCESS_APPEND},
        {'c', ACCESS_CREATE}, {'d', ACCESS_DELETE}, {'l', ACCESS_LINK},
        {'k', ACCESS_LOCK},   {'x', ACCESS_EXEC},   {'m', ACCESS_MMAP_EXEC},
    };
    uint32_t access = 0;

    for (; *mask; mask++) {
        uint32_t one = 0;
        for (size_t i = 0; i < ARRAY_LENGTH(letters); i++)
            one |= letters[i].letter == *mask ? letters[i].access : 0;
        if (one == 0 && *mask != ':') /* "::r" of old kernels: what others than the owner do */
            return 0;
        access |= one;
    }
    return access;
}

/* What the mask has no letter for. */
static uint32_t operation_access(const char *operation)
{
    static const struct {
        const char *operation;
        uint32_t access;
    } operations[] = {
        {"rename_src", ACCESS_RENAME}, {"rename_dest", ACCESS_RENAME}, {"chmod", ACCESS_CHMOD},
        {"chown", ACCESS_CHOWN},       {"truncate", ACCESS_TRUNCATE},  {"connect", ACCESS_CONNECT},
        {"sendmsg", ACCESS_CONNECT},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(operations); i++) {
        if (strcmp(operations[i].operation, operation) == 0)
            return operations[i].access;
    }
    return 0;
}

/* The path as recordings have it: without the slash that the kernel puts behind folders; processes
 * as self and [pid]. False where it does not begin at the root ("disconnected"). */
static bool file_path(const AuditRecord *record, const char *key, Buffer *out, bool *folder)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    uint64_t pid = 0;

    buffer_clear(out);
    if (!audit_text(record, key, &text) || text.data[0] != '/')
        return false;
    *folder = text.length > 1 && text.data[text.length - 1] == '/';
    text.length -= *folder;
    text.data[text.length] = '\0';
    const char *path = buffer_text(&text);
    const size_t digits = strncmp(path, "/proc/", 6) == 0 ? strspn(path + 6, "0123456789") : 0;
    if (digits == 0 || digits > 10 || (path[6 + digits] != '/' && path[6 + digits] != '\0'))
        return buffer_puts(out, path) == 0;
    const bool own = audit_number(record, "pid", 10, &pid) && pid == strtoull(path + 6, NULL, 10);
    return buffer_printf(out, "/proc/%s%s", own ? "self" : "[pid]", path + 6 + digits) == 0;
}

static int add_file(const AuditTarget *target, const char *operation)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    const AuditRecord *record = target->record;
    uint64_t fsuid = 0, ouid = 1;
    bool folder = false;
    char mask[32];

    if (!word_of(record, "requested_mask", mask, sizeof mask) ||
        !file_path(record, "name", &path, &folder))
        return 1;
    const uint32_t access = mask_access(mask);
    if (access == 0)
        return 1;
    Fact fact = {.kind = FACT_FILE, .name = buffer_text(&path)};
    fact_set_number(&fact, FIELD_ACCESS, access | operation_access(operation));
    if (folder)
        fact_set_text(&fact, FIELD_FILE_TYPE, "directory");
    if (audit_number(record, "fsuid", 10, &fsuid) && audit_number(record, "ouid", 10, &ouid))
        fact_set_number(&fact, FIELD_OWNER, fsuid == ouid);
    const int r = import_audit_add(target, &fact);
    if (r < 0 || strcmp(operation, "exec") != 0)
        return r;
    Fact exec = {.kind = FACT_EXEC, .name = buffer_text(&path)};
    fact_set_text(&exec, FIELD_LOADED_AS, "program");
    return import_audit_add(target, &exec);
}

/* ---- the others ----------------------------------------------------------------------------- */

static int add_capability(const AuditTarget *target, const char *operation)
{
    char name[40];
    const Capability *capability =
        word_of(target->record, "capname", name, sizeof name) ? import_capability(name) : NULL;

    (void)operation;
    if (!capability)
        return 1;
    Fact fact = {.kind = FACT_CAPABILITY, .name = capability->name};
    return import_audit_add(target, &fact);
}

/* Of a socket: what recordings call what the kernel's hooks are called. */
static const char *socket_operation(const char *operation)
{
    return strcmp(operation, "create") == 0    ? "socket"
           : strcmp(operation, "sendmsg") == 0 ? "send"
                                               : operation;
}

static int add_unix(const AuditTarget *target, const char *operation, const char *type)
{
    CLEANUP(buffer_deinit) Buffer address = BUFFER_INIT;
    const bool far = strcmp(operation, "connect") == 0 || strcmp(operation, "sendmsg") == 0;

    Fact fact = {.kind = FACT_UNIX, .name = socket_operation(operation)};
    fact_set_text(&fact, FIELD_SOCKET_TYPE, type);
    /* of an abstract address that has zero bytes only "@" and what is before them can be told */
    if (audit_text(target->record, far ? "peer_addr" : "addr", &address) &&
        (address.data[0] == '@' || address.data[0] == '/') && !strchr(buffer_text(&address), '\\'))
        fact_set_text(&fact, FIELD_ADDRESS, buffer_text(&address));
    return import_audit_add(target, &fact);
}

static int add_socket(const AuditTarget *target, const char *operation)
{
    char family[24], type[24], protocol[12];
    uint64_t port = 0;
    static const struct {
        const char *number, *name;
    } protocols[] = {{"1", "icmp"}, {"6", "tcp"}, {"17", "udp"}, {"58", "ipv6-icmp"}};

    if (!word_of(target->record, "family", family, sizeof family) ||
        !word_of(target->record, "sock_type", type, sizeof type))
        return 1;
    if (strcmp(family, "unix") == 0)
        return add_unix(target, operation, type);
    Fact fact = {.kind = FACT_NETWORK, .name = socket_operation(operation)};
    fact_set_text(&fact, FIELD_FAMILY, family);
    fact_set_text(&fact, FIELD_SOCKET_TYPE, type);
    const bool internet = strncmp(family, "inet", 4) == 0;
    for (size_t i = 0; internet && i < ARRAY_LENGTH(protocols); i++) {
        if (word_of(target->record, "protocol", protocol, sizeof protocol) &&
            strcmp(protocol, protocols[i].number) == 0)
            fact_set_text(&fact, FIELD_PROTOCOL, protocols[i].name);
    }
    const bool far = strcmp(operation, "connect") == 0 || strcmp(operation, "sendmsg") == 0;
    if (audit_number(target->record, far ? "fport" : "lport", 10, &port) && port > 0 &&
        port <= UINT16_MAX)
        fact_set_number(&fact, FIELD_PORT, (int64_t)port);
    return import_audit_add(target, &fact);
}

/* The other end, as far as it is told: a process of the same profile, or another one. */
static const char *peer_of(const AuditRecord *record)
{
    AuditSpan profile;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (!audit_value(record, "profile", &profile) ||
        buffer_append(&text, profile.text, profile.length) < 0)
        return "outside";
    return audit_value_is(record, "peer", buffer_text(&text)) ? "recorded" : "outside";
}

static int add_signal(const AuditTarget *target, const char *operation)
{
    char word[16], name[24] = "SIG";

    (void)operation;
    /* whoever receives needs no rule of its own for what it did */
    if (!audit_value_is(target->record, "requested_mask", "send") ||
        !word_of(target->record, "signal", word, sizeof word))
        return 1;
    if (strcmp(word, "exists") == 0)
        (void)snprintf(name, sizeof name, "exists");
    for (size_t i = 0; word[i] && strcmp(name, "exists") != 0; i++) {
        if (!isalnum((unsigned char)word[i]))
            return 1; /* "rtmin+3" */
        name[3 + i] = (char)toupper((unsigned char)word[i]);
        name[4 + i] = '\0';
    }
    Fact fact = {.kind = FACT_SIGNAL, .name = name};
    fact_set_text(&fact, FIELD_TARGET, peer_of(target->record));
    return import_audit_add(target, &fact);
}

static int add_ptrace(const AuditTarget *target, const char *operation)
{
    char mask[16];

    (void)operation;
    if (!word_of(target->record, "requested_mask", mask, sizeof mask) ||
        (strcmp(mask, "trace") != 0 && strcmp(mask, "read") != 0 && strcmp(mask, "tracedby") != 0))
        return 1;
    Fact fact = {.kind = FACT_PTRACE, .name = mask};
    fact_set_text(&fact, FIELD_TARGET, peer_of(target->record));
    return import_audit_add(target, &fact);
}

/* "rw, nosuid, bind" → "MS_NOSUID", and what the call is known as. */
static const char *mount_flags(char *words, Buffer *flags)
{
    static const struct {
        const char *word, *flag, *name;
    } table[] = {
        {"ro", "MS_RDONLY", NULL},
        {"nosuid", "MS_NOSUID", NULL},
        {"nodev", "MS_NODEV", NULL},
        {"noexec", "MS_NOEXEC", NULL},
        {"sync", "MS_SYNCHRONOUS", NULL},
        {"noatime", "MS_NOATIME", NULL},
        {"nodiratime", "MS_NODIRATIME", NULL},
        {"relatime", "MS_RELATIME", NULL},
        {"strictatime", "MS_STRICTATIME", NULL},
        {"mand", "MS_MANDLOCK", NULL},
        {"dirsync", "MS_DIRSYNC", NULL},
        {"silent", "MS_SILENT", NULL},
        {"remount", NULL, "remount"},
        {"bind", NULL, "bind"},
        {"rbind", "MS_REC", "bind"},
        {"move", NULL, "move"},
        {"make-private", NULL, "make-private"},
        {"make-rprivate", "MS_REC", "make-private"},
        {"make-slave", NULL, "make-slave"},
        {"make-rslave", "MS_REC", "make-slave"},
        {"make-shared", NULL, "make-shared"},
        {"make-rshared", "MS_REC", "make-shared"},
        {"make-unbindable", NULL, "make-unbindable"},
    };
    const char *name = "mount";

    for (char *word = strsep(&words, ", "); word; word = strsep(&words, ", ")) {
        for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
            if (strcmp(word, table[i].word) != 0)
                continue;
            if (table[i].flag)
                (void)buffer_printf(flags, "%s%s", flags->length ? "|" : "", table[i].flag);
            name = table[i].name && strcmp(name, "remount") != 0 ? table[i].name : name;
        }
    }
    return name;
}

static int add_mount(const AuditTarget *target, const char *operation)
{
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer source = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer flags = BUFFER_INIT;
    char words[256] = "", fstype[64];
    bool folder;

    if (!file_path(target->record, "name", &path, &folder))
        return 1;
    (void)word_of(target->record, "flags", words, sizeof words);
    const char *name = mount_flags(words, &flags);
    Fact fact = {.kind = FACT_MOUNT, .name = strcmp(operation, "mount") == 0 ? name : "umount"};
    fact_set_text(&fact, FIELD_TARGET, buffer_text(&path));
    if (file_path(target->record, "srcname", &source, &folder) ||
        audit_text(target->record, "srcname", &source))
        fact_set_text(&fact, FIELD_SOURCE, buffer_text(&source));
    if (word_of(target->record, "fstype", fstype, sizeof fstype))
        fact_set_text(&fact, FIELD_FSTYPE, fstype);
    if (flags.length)
        fact_set_text(&fact, FIELD_FLAGS, buffer_text(&flags));
    return import_audit_add(target, &fact);
}

/* name= is the new root, srcname= where the old one goes. */
static int add_pivot(const AuditTarget *target, const char *operation)
{
    CLEANUP(buffer_deinit) Buffer root = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer old = BUFFER_INIT;
    bool folder;

    (void)operation;
    if (!file_path(target->record, "name", &root, &folder))
        return 1;
    Fact fact = {.kind = FACT_MOUNT, .name = "pivot_root"};
    fact_set_text(&fact, FIELD_SOURCE, buffer_text(&root));
    if (file_path(target->record, "srcname", &old, &folder))
        fact_set_text(&fact, FIELD_TARGET, buffer_text(&old));
    return import_audit_add(target, &fact);
}

int import_audit_apparmor(const AuditTarget *target)
{
    /* by the operation; else the first whose key is there */
    static const struct {
        const char *operation, *key;
        int (*add)(const AuditTarget *, const char *);
    } forms[] = {
        {"mount", NULL, add_mount},        {"umount", NULL, add_mount},
        {"pivotroot", NULL, add_pivot},    {"pivot_root", NULL, add_pivot},
        {"signal", NULL, add_signal},      {"ptrace", NULL, add_ptrace},
        {NULL, "capname", add_capability}, {NULL, "sock_type", add_socket},
        {NULL, "name", add_file},
    };
    char operation[32];
    AuditSpan value;

    if (!word_of(target->record, "operation", operation, sizeof operation))
        return 1;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        if (forms[i].operation ? strcmp(forms[i].operation, operation) == 0
                               : audit_value(target->record, forms[i].key, &value))
            return forms[i].add(target, operation);
    }
    return 1;
}
