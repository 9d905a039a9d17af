/* SPDX-License-Identifier: Apache-2.0 */
/* A command's manual page. */
#include "cli/docs.h"

#include <ctype.h>
#include <string.h>

/* Text as roff shows it literally. */
static void put_roff(Buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool begins_line = out->length == 0 || out->data[out->length - 1] == '\n';

        if (begins_line && (text[i] == '.' || text[i] == '\''))
            (void)buffer_puts(out, "\\&");
        if (text[i] == '\\')
            (void)buffer_puts(out, "\\e");
        else if (text[i] == '-')
            (void)buffer_puts(out, "\\-");
        else
            (void)buffer_putc(out, text[i]);
    }
}

static void put_text(Buffer *out, const char *text)
{
    put_roff(out, text, strlen(text));
}

/* Paragraphs are split by blank lines; lines that begin with a blank are examples. */
static void put_paragraphs(Buffer *out, const char *text)
{
    bool example = false;

    while (*text) {
        size_t length = strcspn(text, "\n");

        if (length == 0) {
            (void)buffer_puts(out, example ? ".fi\n.RE\n.PP\n" : ".PP\n");
            example = false;
        } else if ((*text == ' ') != example) {
            example = *text == ' ';
            (void)buffer_puts(out, example ? ".PP\n.RS 4\n.nf\n" : ".fi\n.RE\n");
        }
        if (length) {
            size_t indent = strspn(text, " ");

            put_roff(out, text + indent, length - indent);
            (void)buffer_putc(out, '\n');
        }
        text += length;
        text += *text == '\n';
    }
    if (example)
        (void)buffer_puts(out, ".fi\n.RE\n");
}

static void put_option(Buffer *out, const Option *option)
{
    (void)buffer_puts(out, ".TP\n");
    if (option->letter)
        (void)buffer_printf(out, "\\fB\\-%c\\fR, ", option->letter);
    (void)buffer_puts(out, "\\fB\\-\\-");
    put_text(out, option->name);
    (void)buffer_puts(out, "\\fR");
    if (option->value)
        (void)buffer_printf(out, " \\fI%s\\fR", option->value);
    (void)buffer_putc(out, '\n');
    put_text(out, option->help);
    if (option->words) {
        (void)buffer_puts(out, option->kind == VALUE_LIST
                                   ? "; one or more, with commas between, of: "
                                   : "; one of: ");
        put_text(out, option->words);
    }
    (void)buffer_puts(out, ".\n");
}

void docs_man(Buffer *out, const Command *command, const char *version)
{
    static const Option help = {.name = "help", .letter = 'h', .help = "show a summary"};

    (void)buffer_puts(out, ".\\\" SPDX-License-Identifier: Apache-2.0\n"
                           ".\\\" Made from the command table in src/cli.\n.TH WHITTLE\\-");
    for (const char *p = command->name; *p; p++)
        (void)buffer_putc(out, (char)toupper((unsigned char)*p));
    (void)buffer_printf(out, " 1 \"\" \"whittle %s\" \"whittle\"\n.SH NAME\nwhittle\\-%s \\- ",
                        version, command->name);
    put_text(out, command->summary);
    (void)buffer_printf(out, "\n.SH SYNOPSIS\n\\fBwhittle %s\\fR ", command->name);
    put_text(out, command->usage);
    (void)buffer_puts(out, "\n.SH DESCRIPTION\n");
    put_paragraphs(out, command->details ? command->details : command->summary);
    (void)buffer_puts(out, ".SH OPTIONS\n");
    for (const Option *option = command->options; option && option->name; option++)
        put_option(out, option);
    put_option(out, &help);
    (void)buffer_puts(out, ".SH SEE ALSO\n.BR whittle (1)");
    for (size_t i = 0; commands[i]; i++)
        if (commands[i] != command)
            (void)buffer_printf(out, ",\n.BR whittle\\-%s (1)", commands[i]->name);
    (void)buffer_putc(out, '\n');
}
