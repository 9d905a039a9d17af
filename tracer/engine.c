/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/engine.h"

#include "base/io.h"
#include "base/memory.h"
#include "tracer/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_MAX = 16 * 1024 * 1024, SAID_MAX = 400, CANNOT_EXECUTE = 126 };

/* ---- words ----------------------------------------------------------------------------------- */

void command_line_deinit(CommandLine *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->list[i]);
    free((void *)words->list);
    *words = (CommandLine){0};
}

/* Takes WORD. */
static int add(CommandLine *words, char *word)
{
    /* Two more: this one and the end. */
    if (!word || array_reserve((void *)&words->list, &words->capacity, words->count + 1,
                               sizeof *words->list) < 0) {
        free(word);
        return -ENOMEM;
    }
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
    return 0;
}

int command_line_add(CommandLine *words, const char *format, ...)
{
    char *word = NULL;
    va_list arguments;

    va_start(arguments, format);
    const int r = vasprintf(&word, format, arguments);
    va_end(arguments);
    return add(words, r < 0 ? NULL : word);
}

int command_line_add_all(CommandLine *words, const char *const *list)
{
    int r = 0;

    for (; *list && r == 0; list++)
        r = add(words, strdup(*list));
    return r;
}

/* ---- the engine ------------------------------------------------------------------------------ */

void engine_deinit(Engine *engine)
{
    free(TAKE(engine->program));
}

int engine_find(const char *name, Engine *ret_engine, Error *err)
{
    char *path = NULL;
    int r = launch_resolve(name ? name : "docker", &path, err);

    if (r < 0 && !name && launch_resolve("podman", &path, NULL) == 0)
        r = 0;
    if (r < 0 && !name)
        return error_set(err, r, "neither docker nor podman is installed: say by --engine where");
    if (r < 0)
        return r;
    const char *file = strrchr(path, '/');
    *ret_engine = (Engine){.program = path, .is_podman = strstr(file ? file : path, "podman")};
    return 0;
}

pid_t command_line_start(const CommandLine *words, int output, int errors)
{
    const pid_t child = fork();
    sigset_t none;

    if (child != 0)
        return child < 0 ? -errno : child;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if ((output < 0 || dup2(output, STDOUT_FILENO) >= 0) &&
        (errors < 0 || dup2(errors, STDERR_FILENO) >= 0))
        (void)execv(words->list[0], words->list);
    _exit(CANNOT_EXECUTE);
}

pid_t engine_start(const Engine *engine, const CommandLine *words, int output, int errors)
{
    CLEANUP(command_line_deinit) CommandLine whole = {0};

    if (command_line_add(&whole, "%s", engine->program) < 0 ||
        command_line_add_all(&whole, (const char *const *)words->list) < 0)
        return -ENOMEM;
    return command_line_start(&whole, output, errors);
}

/* All that a file in memory holds. */
static int read_from_start(int fd, Buffer *out)
{
    return lseek(fd, 0, SEEK_SET) < 0 ? -errno : read_fd(fd, out, ANSWER_MAX);
}

/* The engine FAILED: what it said at last is the reason. */
static int failed(const Engine *engine, const CommandLine *words, int said, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const char *line = "";

    if (read_from_start(said, &text) == 0 && text.length > 0) {
        while (text.length > 0 && text.data[text.length - 1] == '\n')
            text.data[--text.length] = '\0';
        line = strrchr(text.data, '\n');
        line = line ? line + 1 : text.data;
    }
    return error_set(err, -ECHILD, "%s %s: %.*s", engine->program, words->list[0], SAID_MAX,
                     *line ? line : "it failed without a word");
}

int engine_ask(const Engine *engine, const CommandLine *words, Buffer *out, Error *err)
{
    CLEANUP(fd_close) int output = memfd_create("output", MFD_CLOEXEC);
    CLEANUP(fd_close) int errors = memfd_create("errors", MFD_CLOEXEC);
    int status = 0;

    if (output < 0 || errors < 0)
        return error_errno(err, errno, "%s", engine->program);
    const pid_t child = engine_start(engine, words, output, errors);
    if (child < 0)
        return error_errno(err, child, "%s", engine->program);
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return error_errno(err, errno, "%s", engine->program);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return failed(engine, words, errors, err);
    const int r = out ? read_from_start(output, out) : 0;
    return r < 0 ? error_errno(err, r, "%s", engine->program) : 0;
}
