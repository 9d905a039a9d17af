/* SPDX-License-Identifier: Apache-2.0 */
/* The copy is in a memfd that is not closed on exec; /proc/self/fd/N names it for the runtime. */
#include "tracer/oci_process.h"

#include "base/io.h"
#include "base/memory.h"
#include "tracer/oci_json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Above what --preserve-fds N hands on to the container (3 to N + 2), which is few; runtimes close
 * the others before the process starts. */
enum { DESCRIPTOR_MIN = 256 };

/* The descriptor of a file with what TEXT holds, or a negative errno. */
static int file_of(const Buffer *text)
{
    CLEANUP(fd_close) int fd = memfd_create("process", MFD_CLOEXEC);

    if (fd < 0)
        return -errno;
    const int r = write_all(fd, text->data, text->length);
    if (r < 0)
        return r;
    int held = fcntl(fd, F_DUPFD, DESCRIPTOR_MIN);
    if (held < 0)
        held = fcntl(fd, F_DUPFD, 3); /* few are allowed */
    return held < 0 ? -errno : held;
}

/* WORD up to where FILE begins in it, then what names the descriptor FD. NULL: no memory. */
static char *word_with(const char *word, const char *file, int fd)
{
    char *made;

    return asprintf(&made, "%.*s/proc/self/fd/%d", (int)(file - word), word, fd) < 0 ? NULL : made;
}

/* The index of the word in which FILE is; 0: in none. */
static int index_of(int argc, char *const *argv, const char *file)
{
    for (int i = 1; i < argc; i++) {
        if (file >= argv[i] && file <= argv[i] + strlen(argv[i]))
            return i;
    }
    return 0;
}

int oci_process_hold(int argc, char **argv, OciArguments *arguments, char **ret_word, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const char *path = arguments->process;
    struct stat st;

    *ret_word = NULL;
    const int index = path ? index_of(argc, argv, path) : 0;
    if (index == 0 || lstat(path, &st) < 0 || S_ISREG(st.st_mode))
        return 0;
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return 0;
    int r = read_fd(fd, &text, OCI_JSON_BYTES_MAX);
    if (r < 0 && text.length == 0)
        return 0;
    if (r == 0)
        r = file_of(&text);
    if (r < 0)
        return error_errno(err, r, "%s: cannot hand it on to the runtime", path);
    char *word = word_with(argv[index], path, r);
    if (!word) {
        (void)close(r);
        return error_errno(err, -ENOMEM, "%s", path);
    }
    arguments->process = word + (path - argv[index]);
    argv[index] = word;
    *ret_word = word;
    return 0;
}
