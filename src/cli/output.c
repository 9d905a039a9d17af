/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that reaches the terminal goes through here or through stdio of a command. */
#include "cli/output.h"

#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((format(printf, 1, 0))) static void message_line(const char *format,
                                                               va_list arguments)
{
    char text[2 * ERROR_TEXT_MAX];
    int length = vsnprintf(text, sizeof text, format, arguments);

    if (length < 0)
        return;
    /* File names and the like come from outside: no escape sequence of theirs reaches a terminal.
     */
    for (char *p = text; *p; p++)
        if (((unsigned char)*p < 0x20 && *p != '\n') || *p == 0x7f)
            *p = '?';
    (void)fflush(stdout); /* in order, where both go to one place */
    (void)fprintf(stderr, "whittle: %s\n", text);
}

void message(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    message_line(format, arguments);
    va_end(arguments);
}

void message_notes(const Buffer *notes)
{
    const char *line = buffer_text(notes);

    while (*line) {
        const size_t length = strcspn(line, "\n");
        message("note: %.*s", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

int usage_error(const Command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    message_line(format, arguments);
    va_end(arguments);
    if (command)
        message("try: whittle %s --help", command->name);
    else
        message("try: whittle help");
    return EXIT_USAGE;
}

int fail(int status, const Error *err)
{
    message("%s", err->text[0] ? err->text : strerror(err->code ? abs(err->code) : EINVAL));
    return status;
}

const char *colour(int fd, Colour which)
{
    static const char *const sequences[COLOUR_COUNT] = {
        [COLOUR_PLAIN] = "\033[0m", [COLOUR_BOLD] = "\033[1m",   [COLOUR_DIM] = "\033[2m",
        [COLOUR_RED] = "\033[31m",  [COLOUR_GREEN] = "\033[32m", [COLOUR_YELLOW] = "\033[33m",
    };
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if ((no_color && *no_color) || !term || strcmp(term, "dumb") == 0 || !isatty(fd))
        return "";
    return sequences[which];
}

int output_buffer(const Buffer *out, Error *err)
{
    if (out->error)
        return error_errno(err, out->error, "cannot write to standard output");
    if (out->length && fwrite(out->data, 1, out->length, stdout) != out->length)
        return error_errno(err, errno, "cannot write to standard output");
    return 0;
}

int output_finish(Error *err)
{
    bool lost = ferror(stdout) != 0;
    bool pending = __fpending(stdout) != 0;

    errno = 0;
    /* Standard output may be closed as long as nobody wanted to write there. */
    if (lost || (fclose(stdout) != 0 && (pending || errno != EBADF)))
        return error_errno(err, errno ? errno : EIO, "cannot write to standard output");
    return 0;
}
