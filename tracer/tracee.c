/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"
#include "base/memory.h"
#include "base/procfs.h"
#include "tracer/captured.h"
#include "tracer/process_table.h"
#include "tracer/served.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096, FIRST_READ = 256 };

pid_t tracee_pid(const Tracee *tracee)
{
    return tracee->process->pid;
}

/* At least one byte: how many were read; else a negative errno. */
static ssize_t read_some(const Tracee *tracee, uint64_t address, void *bytes, size_t length)
{
    const struct iovec local = {.iov_base = bytes, .iov_len = length};
    const struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = length};
    const ssize_t n = process_vm_readv(tracee->tid, &local, 1, &remote, 1, 0);

    if (n < 0)
        return -errno;
    return n == 0 ? -EFAULT : n;
}

int tracee_read(Tracee *tracee, uint64_t address, void *bytes, size_t length)
{
    size_t done = 0;

    if (tracee->captured)
        return captured_read(tracee->captured, address, bytes, length);
    while (done < length) {
        const ssize_t n = read_some(tracee, address + done, (char *)bytes + done, length - done);
        if (n < 0)
            return (int)n;
        done += (size_t)n;
    }
    return 0;
}

long tracee_read_string(Tracee *tracee, uint64_t address, char *out, size_t size)
{
    size_t done = 0;

    if (tracee->captured)
        return captured_read_string(tracee->captured, address, out, size);
    /* Page by page, since what follows the string may not be mapped; a small first bite, since most
     * paths are short. */
    while (done < size) {
        const size_t to_page_end = PAGE - ((address + done) & (PAGE - 1));
        size_t want = size - done < to_page_end ? size - done : to_page_end;
        if (done == 0 && want > FIRST_READ)
            want = FIRST_READ;
        const ssize_t n = read_some(tracee, address + done, out + done, want);
        if (n < 0)
            return n;
        const char *end = memchr(out + done, '\0', (size_t)n);
        if (end)
            return end - out;
        done += (size_t)n;
    }
    return -ENAMETOOLONG;
}

/* The numbers behind "\nNAME:" in TEXT, at most COUNT of them. How many there are, 0 for none. */
static size_t status_numbers(const char *text, const char *name, int base, uint64_t *out,
                             size_t count)
{
    const char *line = strstr(text, name);
    size_t found = 0;

    if (!line)
        return 0;
    line += strlen(name);
    while (*line && *line != '\n') {
        char *end;
        const uint64_t value = strtoull(line, &end, base);
        if (end == line)
            break;
        if (found < count)
            out[found] = value;
        found++;
        line = end;
        while (*line == ' ' || *line == '\t')
            line++;
    }
    return found;
}

static int credentials_parse(const char *status, Credentials *out)
{
    Credentials c = {0};
    uint64_t uid[4];
    uint64_t gid[4];
    uint64_t groups[CREDENTIALS_GROUPS_MAX];
    uint64_t one;

    if (status_numbers(status, "\nUid:", 10, uid, 4) != 4 ||
        status_numbers(status, "\nGid:", 10, gid, 4) != 4)
        return -EPROTO;
    c.uid = (uid_t)uid[0];
    c.euid = (uid_t)uid[1];
    c.suid = (uid_t)uid[2];
    c.fsuid = (uid_t)uid[3];
    c.gid = (gid_t)gid[0];
    c.egid = (gid_t)gid[1];
    c.sgid = (gid_t)gid[2];
    c.fsgid = (gid_t)gid[3];
    const size_t n = status_numbers(status, "\nGroups:", 10, groups, CREDENTIALS_GROUPS_MAX);
    c.groups_cut = n > CREDENTIALS_GROUPS_MAX;
    c.groups_count = c.groups_cut ? CREDENTIALS_GROUPS_MAX : n;
    for (size_t i = 0; i < c.groups_count; i++)
        c.groups[i] = (gid_t)groups[i];

    const struct {
        const char *name;
        uint64_t *value;
    } sets[] = {{"\nCapInh:", &c.inheritable},
                {"\nCapPrm:", &c.permitted},
                {"\nCapEff:", &c.effective},
                {"\nCapBnd:", &c.bounding},
                {"\nCapAmb:", &c.ambient}};
    for (size_t i = 0; i < ARRAY_LENGTH(sets); i++)
        (void)status_numbers(status, sets[i].name, 16, sets[i].value, 1);
    if (status_numbers(status, "\nNoNewPrivs:", 10, &one, 1) == 1)
        c.no_new_privs = one != 0;
    c.no_memory = strstr(status, "\nVmSize:") == NULL;
    *out = c;
    return 0;
}

int credentials_of_task(pid_t tid, Credentials *ret_credentials)
{
    char status[8192];
    const ssize_t n = procfs_read_task(tid, "status", status, sizeof status);

    return n < 0 ? (int)n : credentials_parse(status, ret_credentials);
}

int tracee_credentials(Tracee *tracee, const Credentials **ret_credentials)
{
    if (!tracee->credentials_valid) {
        Credentials fresh;
        const int r = credentials_of_task(tracee->tid, &fresh);
        if (r < 0)
            return r;
        char path[64];
        struct stat own;
        struct stat other;
        (void)snprintf(path, sizeof path, "/proc/%d/ns/user", tracee->tid);
        fresh.own_user_namespace = stat("/proc/self/ns/user", &own) == 0 &&
                                   stat(path, &other) == 0 && own.st_ino != other.st_ino;
        tracee->credentials = fresh;
        tracee->credentials_valid = true;
    }
    *ret_credentials = &tracee->credentials;
    return 0;
}

int tracee_descriptor(Tracee *tracee, int fd, char *out, size_t size)
{
    char path[64];

    if (tracee->captured)
        return captured_descriptor_text(tracee->captured, fd, out, size);
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", tracee->tid, fd);
    const ssize_t n = readlink(path, out, size - 1);
    if (n < 0)
        return -errno;
    if ((size_t)n >= size - 1)
        return -ENAMETOOLONG;
    out[n] = '\0';
    return 0;
}

int tracee_descriptor_stat(Tracee *tracee, int fd, struct stat *ret_stat)
{
    char path[64];

    if (tracee->captured)
        return captured_descriptor_stat(tracee->captured, fd, ret_stat);
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", tracee->tid, fd);
    return served_stat(AT_FDCWD, path, 0, ret_stat);
}

int tracee_mapping(Tracee *tracee, uint64_t address, char *out, size_t size)
{
    char path[64];
    char line[PATH_MAX + 128];

    (void)snprintf(path, sizeof path, "/proc/%d/maps", tracee->process->pid);
    CLEANUP(file_close) FILE *maps = fopen(path, "re");
    if (!maps)
        return -errno;
    while (fgets(line, sizeof line, maps)) {
        uint64_t start;
        uint64_t end;
        int name = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &start, &end, &name) < 2)
            continue;
        if (address < start || address >= end)
            continue;
        line[strcspn(line, "\n")] = '\0';
        if (name == 0 || line[name] != '/')
            return -ENOENT;
        if (strlen(line + name) >= size)
            return -ENAMETOOLONG;
        (void)snprintf(out, size, "%s", line + name);
        return 0;
    }
    return -ENOENT;
}

uint64_t tracee_peak_memory(Tracee *tracee)
{
    char status[4096];

    /* What was captured tells of it by an event of its own. */
    if (tracee->captured ||
        procfs_read_task(tracee->process->pid, "status", status, sizeof status) < 0)
        return 0;
    const char *peak = procfs_field(status, "VmHWM");
    const long kib = peak ? strtol(peak, NULL, 10) : 0;
    return kib > 0 ? (uint64_t)kib * 1024 : 0;
}
