/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the files of a corpus folder through a fuzz target, for builds without libFuzzer. */
#include "base/io.h"
#include "base/memory.h"

#include <dirent.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(const char *path)
{
    CLEANUP(buffer_deinit) Buffer bytes = BUFFER_INIT;
    Error err = {0};

    if (read_file(path, &bytes, (size_t)64 << 20, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    /* without the NUL behind it, so that AddressSanitizer sees reads past the end */
    CLEANUP(free_pointer) uint8_t *exact = malloc(bytes.length > 0 ? bytes.length : 1);
    if (!exact)
        return -1;
    if (bytes.length > 0)
        memcpy(exact, bytes.data, bytes.length);
    (void)LLVMFuzzerTestOneInput(exact, bytes.length);
    return 0;
}

int main(int argc, char **argv)
{
    int count = 0;
    const struct dirent *entry;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    DIR *folder = opendir(argv[1]);
    if (!folder) {
        perror(argv[1]);
        return 2;
    }
    while ((entry = readdir(folder)) != NULL) {
        CLEANUP(free_pointer) char *path = NULL;
        if (entry->d_name[0] == '.')
            continue;
        if (asprintf(&path, "%s/%s", argv[1], entry->d_name) < 0 || run(path) < 0) {
            (void)closedir(folder);
            return 1;
        }
        count++;
    }
    (void)closedir(folder);
    (void)printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
