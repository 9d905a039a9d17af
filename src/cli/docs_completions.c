/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completions. The shells' own code is a fixed frame here; what differs between commands is put
 * into it as data: case branches for bash, _arguments specifications for zsh, `complete` lines for
 * fish.
 */
#include "cli/docs.h"

#include <string.h>

/* Text within single quotes of a POSIX shell; characters of SPECIAL get a backslash. */
static void put_quoted(Buffer *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'') {
            (void)buffer_puts(out, "'\\''");
            continue;
        }
        if (strchr(special, *text))
            (void)buffer_putc(out, '\\');
        (void)buffer_putc(out, *text);
    }
}

static bool completes_words(const Option *option)
{
    return option->kind == VALUE_WORDS || option->kind == VALUE_LIST;
}

/* ---- bash ---------------------------------------------------------------------------------------
 */

static void bash_options(Buffer *out)
{
    (void)buffer_puts(out, "# The options of a command.\n"
                           "_whittle_options() {\n    case $1 in\n");
    for (size_t i = 0; commands[i]; i++) {
        (void)buffer_printf(out, "    %s) echo '--help", commands[i]->name);
        for (const Option *option = commands[i]->options; option && option->name; option++)
            (void)buffer_printf(out, " --%s", option->name);
        (void)buffer_puts(out, "' ;;\n");
    }
    (void)buffer_puts(out, "    esac\n}\n\n");
}

static const char *value_kind_word(ValueKind kind)
{
    static const char *const words[] = {
        [VALUE_NONE] = "none",     [VALUE_TEXT] = "text",   [VALUE_FILE] = "file",
        [VALUE_FOLDER] = "folder", [VALUE_WORDS] = "words", [VALUE_LIST] = "list",
    };
    return words[kind];
}

static void bash_values(Buffer *out)
{
    (void)buffer_puts(out, "# What an option of a command takes.\n"
                           "_whittle_value() {\n    case $1:$2 in\n");
    for (size_t i = 0; commands[i]; i++) {
        for (const Option *option = commands[i]->options; option && option->name; option++) {
            if (option->kind == VALUE_NONE)
                continue;
            (void)buffer_puts(out, "    ");
            if (option->letter)
                (void)buffer_printf(out, "%s:-%c | ", commands[i]->name, option->letter);
            (void)buffer_printf(out, "%s:--%s) echo '%s", commands[i]->name, option->name,
                                value_kind_word(option->kind));
            if (completes_words(option))
                (void)buffer_printf(out, " %s", option->words);
            (void)buffer_puts(out, "' ;;\n");
        }
    }
    (void)buffer_puts(out, "    esac\n}\n\n");
}

static void bash_arguments(Buffer *out)
{
    (void)buffer_puts(out, "# What the arguments of a command are.\n"
                           "_whittle_arguments() {\n    case $1 in\n");
    for (size_t i = 0; commands[i]; i++)
        (void)buffer_printf(
            out, "    %s) echo %s ;;\n", commands[i]->name,
            commands[i]->stop_at_argument ? "command" : value_kind_word(commands[i]->arguments));
    (void)buffer_puts(out, "    esac\n}\n\n");
}

static const char bash_frame[] =
    "_whittle_reply() { # what to complete $2 with\n"
    "    local kind=${1%% *} words='' last=$2\n"
    "    [[ $1 == *' '* ]] && words=${1#* }\n"
    "    case $kind in\n"
    "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$2\"); compopt -o filenames ;;\n"
    "    folder) mapfile -t COMPREPLY < <(compgen -d -- \"$2\"); compopt -o filenames ;;\n"
    "    command) mapfile -t COMPREPLY < <(compgen -c -- \"$2\") ;;\n"
    "    words) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$2\") ;;\n"
    "    list)\n"
    "        local before=''\n"
    "        [[ $2 == *,* ]] && before=${2%,*}, last=${2##*,}\n"
    "        mapfile -t COMPREPLY < <(compgen -P \"$before\" -W \"$words\" -- \"$last\")\n"
    "        ;;\n"
    "    esac\n"
    "}\n\n"
    "_whittle() {\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local command=${COMP_WORDS[1]} value i\n"
    "    COMPREPLY=()\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        _whittle_reply \"words $_whittle_commands help --help --version\" \"$word\"\n"
    "        return\n"
    "    fi\n"
    "    if [[ $command == help ]]; then\n"
    "        _whittle_reply \"words $_whittle_commands\" \"$word\"\n"
    "        return\n"
    "    fi\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        if [[ ${COMP_WORDS[i]} == -- && $(_whittle_arguments \"$command\") == command ]]; "
    "then\n"
    "            if ((i + 1 == COMP_CWORD)); then\n"
    "                _whittle_reply command \"$word\"\n"
    "            else\n"
    "                _whittle_reply file \"$word\"\n"
    "            fi\n"
    "            return\n"
    "        fi\n"
    "    done\n"
    "    # bash takes --option=value for three words\n"
    "    if [[ $word == '=' ]]; then\n"
    "        word=''\n"
    "    elif [[ $previous == '=' ]]; then\n"
    "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    value=$(_whittle_value \"$command\" \"$previous\")\n"
    "    if [[ $value ]]; then\n"
    "        _whittle_reply \"$value\" \"$word\"\n"
    "    elif [[ $word == -* ]]; then\n"
    "        _whittle_reply \"words $(_whittle_options \"$command\")\" \"$word\"\n"
    "    else\n"
    "        _whittle_reply \"$(_whittle_arguments \"$command\")\" \"$word\"\n"
    "    fi\n"
    "}\n\n"
    "complete -F _whittle whittle\n";

void docs_bash(Buffer *out)
{
    (void)buffer_puts(out,
                      "# SPDX-License-Identifier: Apache-2.0\n"
                      "# Completion of whittle for bash. Made from the command table in src/cli.\n"
                      "# shellcheck shell=bash\n\n_whittle_commands='");
    for (size_t i = 0; commands[i]; i++)
        (void)buffer_printf(out, "%s%s", i ? " " : "", commands[i]->name);
    (void)buffer_puts(out, "'\n\n");
    bash_options(out);
    bash_values(out);
    bash_arguments(out);
    (void)buffer_puts(out, bash_frame);
}

/* ---- zsh ----------------------------------------------------------------------------------------
 */

/* The action part of an _arguments specification. */
static void zsh_action(Buffer *out, ValueKind kind, const char *words)
{
    switch (kind) {
    case VALUE_FILE:
        (void)buffer_puts(out, "_files");
        break;
    case VALUE_FOLDER:
        (void)buffer_puts(out, "_files -/");
        break;
    case VALUE_WORDS:
        (void)buffer_printf(out, "(%s)", words);
        break;
    case VALUE_LIST:
        (void)buffer_printf(out, "_values -s , value %s", words);
        break;
    case VALUE_NONE:
    case VALUE_TEXT:
        (void)buffer_putc(out, ' ');
        break;
    }
}

static void zsh_option(Buffer *out, const Option *option)
{
    (void)buffer_puts(out, " \\\n                ");
    if (option->letter)
        (void)buffer_printf(out, "'(-%c --%s)'{-%c,--%s%s}'", option->letter, option->name,
                            option->letter, option->name, option->kind == VALUE_NONE ? "" : "=");
    else
        (void)buffer_printf(out, "'*--%s%s", option->name, option->kind == VALUE_NONE ? "" : "=");
    (void)buffer_putc(out, '[');
    put_quoted(out, option->help, "[]\\");
    (void)buffer_putc(out, ']');
    if (option->kind != VALUE_NONE) {
        (void)buffer_printf(out, ":%s:", option->value);
        zsh_action(out, option->kind, option->words);
    }
    (void)buffer_putc(out, '\'');
}

void docs_zsh(Buffer *out)
{
    (void)buffer_puts(out,
                      "#compdef whittle\n# SPDX-License-Identifier: Apache-2.0\n"
                      "# Completion of whittle for zsh. Made from the command table in src/cli.\n\n"
                      "_whittle() {\n    local line state\n"
                      "    _arguments -C '1: :->command' '*:: :->rest'\n    case $state in\n"
                      "        command)\n            _values command");
    for (size_t i = 0; commands[i]; i++) {
        (void)buffer_printf(out, " \\\n                '%s[", commands[i]->name);
        put_quoted(out, commands[i]->summary, "[]\\");
        (void)buffer_puts(out, "]'");
    }
    (void)buffer_puts(out, " \\\n                'help[Show help]'\n            ;;\n        rest)\n"
                           "            case $line[1] in\n");
    for (size_t i = 0; commands[i]; i++) {
        (void)buffer_printf(out, "            %s)\n                _arguments -s -S",
                            commands[i]->name);
        (void)buffer_puts(out, " \\\n                '(-h --help)'{-h,--help}'[show help]'");
        for (const Option *option = commands[i]->options; option && option->name; option++)
            zsh_option(out, option);
        if (commands[i]->stop_at_argument) {
            (void)buffer_puts(out, " \\\n                '*:: :_normal'");
        } else if (commands[i]->arguments != VALUE_NONE) {
            (void)buffer_puts(out, " \\\n                '*:argument:");
            zsh_action(out, commands[i]->arguments, "");
            (void)buffer_putc(out, '\'');
        }
        (void)buffer_puts(out, "\n                ;;\n");
    }
    (void)buffer_puts(out, "            esac\n            ;;\n    esac\n}\n\n_whittle \"$@\"\n");
}

/* ---- fish ---------------------------------------------------------------------------------------
 */

static void fish_option(Buffer *out, const Command *command, const Option *option)
{
    (void)buffer_printf(out, "complete -c whittle -n '__fish_seen_subcommand_from %s' -l %s",
                        command->name, option->name);
    if (option->letter)
        (void)buffer_printf(out, " -s %c", option->letter);
    if (option->kind == VALUE_FILE)
        (void)buffer_puts(out, " -r -F");
    else if (option->kind == VALUE_FOLDER)
        (void)buffer_puts(out, " -x -a '(__fish_complete_directories)'");
    else if (completes_words(option))
        (void)buffer_printf(out, " -x -a '%s'", option->words);
    else if (option->kind != VALUE_NONE)
        (void)buffer_puts(out, " -x");
    (void)buffer_puts(out, " -d '");
    put_quoted(out, option->help, "");
    (void)buffer_puts(out, "'\n");
}

void docs_fish(Buffer *out)
{
    (void)buffer_puts(
        out, "# SPDX-License-Identifier: Apache-2.0\n"
             "# Completion of whittle for fish. Made from the command table in src/cli.\n\n"
             "complete -c whittle -n __fish_use_subcommand -f -a help -d 'Show help'\n"
             "complete -c whittle -n __fish_use_subcommand -l version -d 'Show the version'\n");
    for (size_t i = 0; commands[i]; i++) {
        const Command *command = commands[i];

        (void)buffer_printf(out, "\ncomplete -c whittle -n __fish_use_subcommand -f -a %s -d '",
                            command->name);
        put_quoted(out, command->summary, "");
        (void)buffer_puts(out, "'\n");
        if (command->stop_at_argument)
            (void)buffer_printf(out,
                                "complete -c whittle -n '__fish_seen_subcommand_from %s' -x "
                                "-a '(__fish_complete_subcommand)'\n",
                                command->name);
        else if (command->arguments != VALUE_FILE)
            (void)buffer_printf(out, "complete -c whittle -n '__fish_seen_subcommand_from %s' -f\n",
                                command->name);
        for (const Option *option = command->options; option && option->name; option++)
            fish_option(out, command, option);
    }
}
