/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "cli/output.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_HELP = 256, /* getopt value of --help; above the letters */
    OPTION_FIRST,      /* the first row of the option table, the others follow */
    OPTIONS_MAX = 64,
};

/* ---- parsing ----------------------------------------------------------------------------------
 */

static size_t option_count(const Option *options)
{
    size_t count = 0;

    while (options[count].name)
        count++;
    return count;
}

/* The getopt tables made from a command's option table. */
typedef struct GetoptTable {
    struct option long_options[OPTIONS_MAX + 2];
    char letters[2 * OPTIONS_MAX + 4];
} GetoptTable;

static void getopt_table_init(GetoptTable *table, const Command *command)
{
    size_t count = option_count(command->options);
    char *letter = table->letters;

    assert(count <= OPTIONS_MAX);
    memset(table, 0, sizeof *table);
    if (command->stop_at_argument)
        *letter++ = '+';
    *letter++ = ':'; /* tell a missing value from an unknown option */
    *letter++ = 'h';
    table->long_options[0] = (struct option){.name = "help", .val = OPTION_HELP};
    for (size_t i = 0; i < count; i++) {
        const Option *option = &command->options[i];

        table->long_options[i + 1] = (struct option){
            .name = option->name,
            .has_arg = option->kind == VALUE_NONE ? no_argument : required_argument,
            .val = OPTION_FIRST + (int)i,
        };
        if (option->letter) {
            *letter++ = option->letter;
            if (option->kind != VALUE_NONE)
                *letter++ = ':';
        }
    }
}

static const Option *option_by_value(const Command *command, int value)
{
    if (value >= OPTION_FIRST)
        return &command->options[value - OPTION_FIRST];
    for (const Option *option = command->options; option->name; option++)
        if (option->letter == value)
            return option;
    return NULL;
}

/* Says that TYPED ("--fromat=x") is no option of COMMAND. */
static int unknown_option(const Command *command, const char *typed)
{
    const char *names[OPTIONS_MAX + 2] = {"help"};
    size_t count = option_count(command->options);
    size_t length = strcspn(typed + 2, "=");
    CLEANUP(free_pointer) char *name = strndup(typed + 2, length);
    const char *nearest;

    for (size_t i = 0; i < count; i++)
        names[i + 1] = command->options[i].name;
    nearest = name ? nearest_word(name, names) : NULL;
    if (nearest)
        usage_error(command, "there is no option --%.*s; did you mean --%s?", (int)length,
                    typed + 2, nearest);
    else
        usage_error(command, "there is no option --%.*s", (int)length, typed + 2);
    return -EINVAL;
}

/* Is the LENGTH bytes at WORD one of the blank-separated WORDS? */
static bool word_is_in(const char *word, size_t length, const char *words)
{
    while (*words) {
        size_t next = strcspn(words, " ");

        if (next == length && strncmp(words, word, length) == 0)
            return true;
        words += next;
        words += strspn(words, " ");
    }
    return false;
}

static int check_value(const Command *command, const Option *option, const char *value)
{
    const char *separators = option->kind == VALUE_LIST ? "," : "";

    if (option->kind != VALUE_WORDS && option->kind != VALUE_LIST)
        return 0;
    for (const char *p = value;; p++) {
        size_t length = strcspn(p, separators);

        if (!word_is_in(p, length, option->words)) {
            usage_error(command, "--%s cannot be \"%.*s\"; it is one of: %s", option->name,
                        (int)length, p, option->words);
            return -EINVAL;
        }
        p += length;
        if (!*p)
            return 0;
    }
}

static int parsed_add(Parsed *parsed, const Option *option, const char *value, size_t *capacity)
{
    int r = check_value(parsed->command, option, value);

    if (r < 0)
        return r;
    r = array_reserve(&parsed->options, capacity, parsed->options_count, sizeof *parsed->options);
    if (r < 0) {
        message("out of memory");
        return r;
    }
    parsed->options[parsed->options_count++] = (struct ParsedOption){option, value};
    return 0;
}

/* Says what is wrong with the option that getopt_long() gave ':' or '?' for. */
static int bad_option(const Command *command, int verdict, char **argv)
{
    const char *typed = argv[optind - 1];
    const Option *option =
        optopt && optopt != OPTION_HELP ? option_by_value(command, optopt) : NULL;

    if (verdict == ':' && option)
        usage_error(command, "option --%s needs a value, %s", option->name, option->value);
    else if (option)
        usage_error(command, "option --%s takes no value", option->name);
    else if (optopt && optopt != OPTION_HELP)
        usage_error(command, "there is no option -%c", optopt);
    else if (strncmp(typed, "--", 2) == 0)
        return unknown_option(command, typed);
    else
        usage_error(command, "cannot understand %s", typed);
    return -EINVAL;
}

static int check_arguments(const Parsed *parsed)
{
    const Command *command = parsed->command;
    int count = parsed->arguments_count;

    if (count < command->arguments_min) {
        usage_error(command, "%s: usage: whittle %s %s",
                    count ? "something is missing" : "tell it what to work on", command->name,
                    command->usage);
        return -EINVAL;
    }
    if (command->arguments_max >= 0 && count > command->arguments_max) {
        usage_error(command, "\"%s\" is one argument too many",
                    parsed->arguments[command->arguments_max]);
        return -EINVAL;
    }
    return 0;
}

int parsed_init(Parsed *parsed, const Command *command, int argc, char **argv)
{
    GetoptTable table;
    Parsed result = {.command = command};
    size_t capacity = 0;
    int verdict = PARSE_RUN, value, r;

    getopt_table_init(&table, command);
    optind = 0; /* glibc: begin anew, and read the "+" */
    opterr = 0;
    while ((value = getopt_long(argc, argv, table.letters, table.long_options, NULL)) != -1) {
        if (value == OPTION_HELP || value == 'h') {
            verdict = PARSE_HELP;
            break;
        }
        const Option *option =
            value == '?' || value == ':' ? NULL : option_by_value(command, value);
        r = option ? parsed_add(&result, option, optarg, &capacity)
                   : bad_option(command, value, argv);
        if (r < 0) {
            parsed_deinit(&result);
            return r;
        }
    }
    result.arguments = argv + optind;
    result.arguments_count = argc - optind;
    if (verdict == PARSE_RUN) {
        r = check_arguments(&result);
        if (r < 0) {
            parsed_deinit(&result);
            return r;
        }
    }
    *parsed = result;
    return verdict;
}

void parsed_deinit(Parsed *parsed)
{
    free(parsed->options);
    *parsed = (Parsed){0};
}

/* ---- asking ------------------------------------------------------------------------------------
 */

static const Option *option_by_name(const Command *command, const char *name)
{
    for (const Option *option = command->options; option->name; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    assert(false); /* the command asks for an option that its table does not have */
    return NULL;
}

const char *parsed_value(const Parsed *parsed, const char *name, const char *fallback)
{
    const Option *option = option_by_name(parsed->command, name);

    for (size_t i = parsed->options_count; i > 0; i--)
        if (parsed->options[i - 1].option == option)
            return parsed->options[i - 1].value;
    return fallback;
}

bool parsed_flag(const Parsed *parsed, const char *name)
{
    const Option *option = option_by_name(parsed->command, name);

    for (size_t i = 0; i < parsed->options_count; i++)
        if (parsed->options[i].option == option)
            return true;
    return false;
}

const char *parsed_nth(const Parsed *parsed, const char *name, size_t i)
{
    const Option *option = option_by_name(parsed->command, name);

    for (size_t k = 0; k < parsed->options_count; k++)
        if (parsed->options[k].option == option && i-- == 0)
            return parsed->options[k].value;
    return NULL;
}
