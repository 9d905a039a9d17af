/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command, parses its options, runs it, and makes sure that its output arrived. */
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/output.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int print_help(const Command *command)
{
    Buffer out = BUFFER_INIT;
    Error err = {0};
    int status = EXIT_YES;

    if (command)
        help_command(&out, command);
    else
        help_overview(&out);
    if (output_buffer(&out, &err) < 0)
        status = fail(EXIT_USAGE, &err);
    buffer_deinit(&out);
    return status;
}

static int unknown_command(const char *name)
{
    enum { COMMANDS_MAX = 64 };
    const char *names[COMMANDS_MAX + 1] = {"help"};
    const char *nearest;

    for (size_t i = 0; commands[i] && i + 1 < COMMANDS_MAX; i++)
        names[i + 1] = commands[i]->name;
    nearest = nearest_word(name, names);
    if (nearest)
        return usage_error(NULL, "there is no command \"%s\"; did you mean \"%s\"?", name, nearest);
    return usage_error(NULL, "there is no command \"%s\"", name);
}

static int run_command(int argc, char **argv)
{
    const Command *command = command_by_name(argv[0]);
    Parsed parsed;
    int r, status;

    if (!command)
        return unknown_command(argv[0]);
    r = parsed_init(&parsed, command, argc, argv);
    if (r < 0)
        return EXIT_USAGE;
    status = r == PARSE_HELP ? print_help(command) : command->run(&parsed);
    parsed_deinit(&parsed);
    return status;
}

static int run_help(int argc, char **argv)
{
    const Command *command;

    if (argc < 2)
        return print_help(NULL);
    command = command_by_name(argv[1]);
    return command ? print_help(command) : unknown_command(argv[1]);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2)
        return usage_error(NULL, "tell it what to do: a command is missing");
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        (void)puts("whittle " WHITTLE_VERSION);
        return EXIT_YES;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_help(NULL);
    if (strcmp(argv[1], "help") == 0)
        return run_help(argc - 1, argv + 1);
    if (argv[1][0] == '-')
        return usage_error(NULL, "there is no option %s before the command", argv[1]);
    return run_command(argc - 1, argv + 1);
}

/* A descriptor 0, 1 or 2 that is closed would be given to the next file opened, and messages would
 * be written into that. The workload still gets it closed, and using it still fails. */
static void occupy_standard_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_PATH | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)close(fd);
}

int main(int argc, char **argv)
{
    Error err = {0};

    occupy_standard_streams();
    int status = dispatch(argc, argv);

    if (output_finish(&err) < 0)
        return fail(EXIT_USAGE, &err);
    return status;
}
