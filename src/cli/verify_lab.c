/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine is script/lib/lab-machine, which is installed beside whittle. It sees all files of
 * this one, so the command line stays as it is but for --lab, and what verify writes: that goes
 * into the machine's folder for results, and the machine's program puts it where it belongs. The
 * guard ends it, and removes its scratch files, also where it is killed.
 */
#include "cli/verify_lab.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "cli/guard.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A growing list of owned words. */
typedef struct Words {
    char **items; /* ended by NULL */
    size_t count, capacity;
    int error;
} Words;

static void words_deinit(Words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->items[i]);
    free(words->items);
}

/* Adds A and B as one word. */
static void add(Words *words, const char *a, const char *b)
{
    CLEANUP(buffer_deinit) Buffer word = BUFFER_INIT;

    if (buffer_printf(&word, "%s%s", a, b) < 0 ||
        array_reserve(&words->items, &words->capacity, words->count + 1, sizeof *words->items) <
            0) {
        words->error = -ENOMEM;
        return;
    }
    words->items[words->count++] = buffer_steal(&word);
    words->items[words->count] = NULL;
    if (!words->items[words->count - 1])
        words->error = -ENOMEM;
}

/* The path of the running program in OUT, of PATH_MAX bytes. False where it is not known. */
static bool own_path(char *out)
{
    const ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);

    if (n <= 0)
        return false;
    out[n] = '\0';
    return out[0] == '/';
}

/* Where it is installed, or was built. */
static bool find_machine(const char *program, Buffer *out)
{
    static const char *const places[] = {WHITTLE_LIBEXEC "/whittle/lab-machine",
                                         "libexec/whittle/lab-machine"};
    const int folder = (int)(strrchr(program, '/') - program);

    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        buffer_clear(out);
        if (buffer_printf(out, "%.*s/%s", folder, program, places[i]) == 0 &&
            access(buffer_text(out), X_OK) == 0)
            return true;
    }
    return false;
}

/* ---- the command line ----------------------------------------------------------------------- */

/* For the machine's program: what verify writes there that is to be taken out. */
static void add_takes(Words *words, const Parsed *parsed, const char *folder)
{
    static const char *const written[] = {"output", "fix"};

    for (size_t i = 0; i < ARRAY_LENGTH(written); i++) {
        const char *path = parsed_value(parsed, written[i], NULL);
        CLEANUP(buffer_deinit) Buffer absolute = BUFFER_INIT;
        if (!path || strcmp(path, "-") == 0)
            continue;
        if (buffer_printf(&absolute, "%s%s%s", path[0] == '/' ? "" : folder,
                          path[0] == '/' ? "" : "/", path) < 0)
            words->error = -ENOMEM;
        add(words, "--take", "");
        add(words, buffer_text(&absolute), "");
    }
}

static void add_option(Words *words, const ParsedOption *given)
{
    const Option *option = given->option;

    if (strcmp(option->name, "lab") == 0)
        return;
    add(words, "--", option->name);
    if (option->kind == VALUE_NONE)
        return;
    add(words, given->value, "");
}

/* The command line of the machine's program. */
static void make_command(Words *words, const Parsed *parsed, const char *machine,
                         const char *program, const char *folder)
{
    char failed[16];

    (void)snprintf(failed, sizeof failed, "%d", EXIT_MACHINE);
    add(words, machine, "");
    add(words, "--host", "");
    add(words, "--apart", "");
    add(words, "--failed", "");
    add(words, failed, "");
    add_takes(words, parsed, folder);
    add(words, "--", "");
    add(words, "env", "");
    add(words, "-i", "");
    add(words, "--chdir=", folder);
    for (char **variable = environ; *variable; variable++)
        add(words, *variable, "");
    add(words, program, "");
    add(words, parsed->command->name, "");
    for (size_t i = 0; i < parsed->options_count; i++)
        add_option(words, &parsed->options[i]);
    add(words, "--", "");
    for (int i = 0; i < parsed->arguments_count; i++)
        add(words, parsed->arguments[i], "");
}

/* What the guarded process becomes. */
typedef struct Machine {
    Words words;
    const char *scratch;
} Machine;

static void machine_deinit(Machine *machine)
{
    words_deinit(&machine->words);
}

static int become_machine(void *data)
{
    const Machine *machine = data;
    Error err = {0};

    if (mkdir(machine->scratch, 0700) < 0 || setenv("TMPDIR", machine->scratch, 1) < 0)
        (void)error_errno(&err, errno, "%s: cannot make a folder", machine->scratch);
    else if (execv(machine->words.items[0], machine->words.items) < 0)
        (void)error_errno(&err, errno, "cannot run %s", machine->words.items[0]);
    return fail(EXIT_MACHINE, &err);
}

int verify_in_lab(const Parsed *parsed)
{
    CLEANUP(buffer_deinit) Buffer machine = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer scratch = BUFFER_INIT;
    CLEANUP(machine_deinit) Machine lab = {.scratch = NULL};
    CLEANUP(free_pointer) char *folder = getcwd(NULL, 0);
    char program[PATH_MAX];
    Error err = {0};

    if (!folder || !own_path(program)) {
        (void)error_errno(&err, errno, "cannot tell where this is");
        return fail(EXIT_MACHINE, &err);
    }
    if (!find_machine(program, &machine)) {
        message("--lab takes the program lab-machine, which is installed beside whittle, in "
                "libexec/whittle: it is missing");
        return EXIT_MACHINE;
    }
    make_command(&lab.words, parsed, buffer_text(&machine), program, folder);
    const int r = lab.words.error ? lab.words.error : guard_name_folder(&scratch);
    if (r < 0) {
        (void)error_errno(&err, r, "cannot run %s", buffer_text(&machine));
        return fail(EXIT_MACHINE, &err);
    }
    lab.scratch = buffer_text(&scratch);
    const int status = guarded(become_machine, NULL, &lab, lab.scratch);
    if (status < 0)
        message("verification was killed; nothing of it is left");
    return status < 0 ? EXIT_MACHINE : status;
}
