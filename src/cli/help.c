/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <string.h>

enum { TITLE_WIDTH = 26, TEXT_WIDTH = 92 };

/* "-o, --output REC": an option as help shows it. */
static void option_title(Buffer *out, const Option *option)
{
    if (option->letter)
        (void)buffer_printf(out, "-%c, ", option->letter);
    (void)buffer_printf(out, "--%s", option->name);
    if (option->value)
        (void)buffer_printf(out, " %s", option->value);
}

/* Appends TEXT, broken at blanks so that lines end before TEXT_WIDTH; COLUMN is where it begins,
 * and later lines are indented by INDENT. */
static void append_wrapped(Buffer *out, const char *text, size_t column, size_t indent)
{
    while (*text) {
        size_t length = strcspn(text, " \n");

        if (column > indent && column + length + 1 > TEXT_WIDTH) {
            (void)buffer_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            (void)buffer_putc(out, ' ');
            column++;
        }
        (void)buffer_append(out, text, length);
        column += length;
        text += length;
        if (text[0] == '\n' && (text[1] == '\n' || text[1] == ' ')) { /* a paragraph or example */
            (void)buffer_puts(out, text[1] == '\n' ? "\n\n" : "\n");
            text += strspn(text, "\n");
            column = strspn(text, " ");
            (void)buffer_printf(out, "%*s", (int)column, "");
            text += column;
            indent = column;
        } else if (*text) {
            text++;
        }
    }
    (void)buffer_putc(out, '\n');
}

static void append_option(Buffer *out, const Option *option)
{
    Buffer title = BUFFER_INIT;

    if (!option->letter)
        (void)buffer_puts(&title, "    "); /* long names in one column */
    option_title(&title, option);
    (void)buffer_printf(out, "  %-*s", TITLE_WIDTH - 2, buffer_text(&title));
    if (title.length > TITLE_WIDTH - 4)
        (void)buffer_printf(out, "\n%*s", TITLE_WIDTH, "");
    append_wrapped(out, option->help, TITLE_WIDTH, TITLE_WIDTH);
    if (option->words) {
        buffer_clear(&title);
        (void)buffer_printf(&title, "(one%s of: %s)",
                            option->kind == VALUE_LIST ? " or more, with commas between," : "",
                            option->words);
        (void)buffer_printf(out, "%*s", TITLE_WIDTH, "");
        append_wrapped(out, buffer_text(&title), TITLE_WIDTH, TITLE_WIDTH);
    }
    buffer_deinit(&title);
}

void help_command(Buffer *out, const Command *command)
{
    static const Option help = {.name = "help", .letter = 'h', .help = "show this"};

    (void)buffer_printf(out, "usage: whittle %s %s\n\n%s.\n\nOptions:\n", command->name,
                        command->usage, command->summary);
    for (const Option *option = command->options; option && option->name; option++)
        append_option(out, option);
    append_option(out, &help);
    if (command->details) {
        (void)buffer_putc(out, '\n');
        append_wrapped(out, command->details, 0, 0);
    }
}

void help_overview(Buffer *out)
{
    (void)buffer_puts(
        out, "usage: whittle COMMAND [OPTION…] [ARGUMENT…]\n\n"
             "Watches a workload while its tests run and writes the smallest security profile\n"
             "under which it still works.\n\nCommands:\n");
    for (size_t i = 0; commands[i]; i++)
        (void)buffer_printf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    (void)buffer_puts(out, "  help       Show this, or one command's help\n\n"
                           "`whittle COMMAND --help` tells the options of a command; "
                           "`whittle --version` the version.\n\n"
                           "Begin with:\n"
                           "  whittle record -o app.whittle.jsonl -- your-test-command\n"
                           "  whittle generate app.whittle.jsonl -o profile\n");
}
