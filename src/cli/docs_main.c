/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whittle-docs MAN_FOLDER COMPLETIONS_FOLDER: a build tool, not installed. Writes whittle-NAME.1 of
 * every command, and whittle.bash, _whittle and whittle.fish.
 */
#include "base/io.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/docs.h"

#include <limits.h>

static int write_page(const char *folder, const char *name, const Buffer *text)
{
    char path[PATH_MAX];
    Error err = {0};
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);

    if (n < 0 || (size_t)n >= sizeof path || text->error) {
        (void)fprintf(stderr, "whittle-docs: cannot write %s\n", name);
        return -1;
    }
    if (write_file_atomic(path, text->data, text->length, &err) < 0) {
        (void)fprintf(stderr, "whittle-docs: %s\n", err.text);
        return -1;
    }
    return 0;
}

static int write_man(const char *folder, const Command *command)
{
    CLEANUP(buffer_deinit) Buffer page = BUFFER_INIT;
    char name[64];

    (void)snprintf(name, sizeof name, "whittle-%s.1", command->name);
    docs_man(&page, command, WHITTLE_VERSION);
    return write_page(folder, name, &page);
}

static int write_completion(const char *folder, const char *name, void (*docs)(Buffer *out))
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    docs(&text);
    return write_page(folder, name, &text);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: whittle-docs MAN_FOLDER COMPLETIONS_FOLDER\n");
        return EXIT_USAGE;
    }
    for (size_t i = 0; commands[i]; i++)
        if (write_man(argv[1], commands[i]) < 0)
            return EXIT_FAILURE;
    if (write_completion(argv[2], "whittle.bash", docs_bash) < 0 ||
        write_completion(argv[2], "_whittle", docs_zsh) < 0 ||
        write_completion(argv[2], "whittle.fish", docs_fish) < 0)
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
