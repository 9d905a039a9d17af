/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_begin.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>

static int random_id(char *out, size_t size)
{
    unsigned char bytes[16];

    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return -EIO;
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(out + 2 * i, size - 2 * i, "%02x", bytes[i]);
    return 0;
}

int run_begin(const Run *run, Recording *recording, uint32_t *ret_index, Error *err)
{
    char id[33];
    char start[32];
    struct utsname system;
    struct tm now;
    const time_t seconds = time(NULL);
    Run begun = *run;

    if (random_id(id, sizeof id) < 0)
        return error_set(err, -EIO, "cannot get random bytes for the run's id");
    if (!gmtime_r(&seconds, &now) || strftime(start, sizeof start, "%Y-%m-%dT%H:%M:%SZ", &now) == 0)
        return error_set(err, -EIO, "cannot read the clock");
    if (uname(&system) < 0)
        return error_errno(err, errno, "cannot read the kernel's version");
    begun.id = id;
    begun.arch = arch_name(arch_native());
    begun.kernel = system.release;
    begun.version = WHITTLE_VERSION;
    begun.start = start;
    const int r = recording_add_run(recording, &begun, ret_index);
    return r < 0 ? error_errno(err, r, "cannot begin a recording") : 0;
}
