/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libFuzzer: gives a fuzz target every file of a folder once. No file is a failure. */
#include "base/io.h"
#include "base/memory.h"

#include <dirent.h>
#include <limits.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error err = {0};
    uint8_t *copy;

    if (read_file(path, &text, (size_t)64 << 20, &err) < 0) {
        (void)fprintf(stderr, "replay: %s\n", err.text);
        return -1;
    }
    copy = malloc(text.length ? text.length : 1); /* of the exact size, for AddressSanitizer */
    if (!copy)
        return -1;
    if (text.length)
        memcpy(copy, text.data, text.length);
    (void)LLVMFuzzerTestOneInput(copy, text.length);
    free(copy);
    return 0;
}

int main(int argc, char **argv)
{
    struct dirent *entry;
    size_t files = 0;
    DIR *folder;

    if (argc != 2 || !(folder = opendir(argv[1]))) {
        (void)fprintf(stderr, "replay: cannot open the corpus\n");
        return EXIT_FAILURE;
    }
    while ((entry = readdir(folder)) != NULL) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);

        if (entry->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof path)
            continue;
        if (replay_file(path) < 0) {
            (void)closedir(folder);
            return EXIT_FAILURE;
        }
        files++;
    }
    (void)closedir(folder);
    (void)printf("replayed %zu files\n", files);
    return files ? EXIT_SUCCESS : EXIT_FAILURE;
}
