/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words are read from left to right, twice: the first time counts what is no option. If that is
 * more than the command takes, the second time drops as many of those that follow an unknown
 * option.
 */
#include "tracer/oci_arguments.h"

#include "base/memory.h"
#include "tracer/oci_options.h"

#include <errno.h>

typedef struct Words {
    char *const *list;
    size_t count;
    size_t at; /* the next one to look at */
    OciArguments *arguments;
} Words;

/* ---- options --------------------------------------------------------------------------------- */

static bool ends_options(const char *word)
{
    return strcmp(word, "--") == 0;
}

/* "-" alone is a word like any other, for both runtimes. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* As Go's strconv.ParseBool(). What it does not know is an error of the runtime's. */
static bool truth(const char *text)
{
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

    for (size_t i = 0; text && i < ARRAY_LENGTH(no); i++) {
        if (strcmp(text, no[i]) == 0)
            return false;
    }
    return true;
}

/* VALUE is NULL for an option that has none. */
static void keep(OciArguments *arguments, OciKept kept, const char *value)
{
    const struct {
        OciKept kept;
        const char **text;
    } texts[] = {
        {KEEP_BUNDLE, &arguments->bundle},
        {KEEP_CONFIG, &arguments->config},
        {KEEP_ROOT, &arguments->root},
        {KEEP_LOG, &arguments->log},
        {KEEP_LOG_FORMAT, &arguments->log_format},
        {KEEP_PID_FILE, &arguments->pid_file},
        {KEEP_PROCESS, &arguments->process},
    };
    const struct {
        OciKept kept;
        bool *flag;
    } flags[] = {
        {KEEP_SYSTEMD_CGROUP, &arguments->systemd_cgroup},
        {KEEP_DETACH, &arguments->detach},
        {KEEP_HELP, &arguments->help},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (texts[i].kept == kept)
            *texts[i].text = value;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        if (flags[i].kept == kept)
            *flags[i].flag = truth(value);
    }
    if (kept == KEEP_CGROUP_MANAGER)
        arguments->systemd_cgroup = value && strcmp(value, "systemd") == 0;
}

/* OPTION was there, with "=VALUE" or what was in the same word, if anything. */
static void take(Words *words, const OciOption *option, const char *attached)
{
    const char *value = attached;

    if (!value && option->takes == TAKES_VALUE) {
        if (words->at >= words->count)
            return;
        value = words->list[words->at++];
    }
    keep(words->arguments, option->kept, value);
}

/* The letters of one word, "-dtuX". False: the first is none that is known. */
static bool take_letters(Words *words, const OciOption *options, const char *letters)
{
    const OciOption *option = oci_option_by_letter(options, letters[0]);

    if (!option)
        return false;
    for (; option && option->takes == TAKES_NOTHING;
         option = oci_option_by_letter(options, *letters)) {
        if (letters[1] == '=') { /* Go's -d=false */
            take(words, option, letters + 2);
            return true;
        }
        take(words, option, NULL);
        if (*++letters == '\0')
            return true;
    }
    if (option) /* -bX, Go's -b=X, or -b X */
        take(words, option,
             letters[1] == '=' ? letters + 2 : (letters[1] != '\0' ? letters + 1 : NULL));
    return true;
}

/* Takes the option that is next. False: it is not known, and might have a value in the next word.
 */
static bool take_option(Words *words, const OciOption *options)
{
    const char *word = words->list[words->at++];
    const bool two_dashes = word[1] == '-';
    const char *name = word + (two_dashes ? 2 : 1);
    const size_t length = strcspn(name, "=");

    /* A single letter is one for both; what is longer and not known by name may be letters. */
    const OciOption *option =
        two_dashes || length > 1 ? oci_option_by_name(options, name, length, two_dashes) : NULL;
    if (option) {
        take(words, option, name[length] == '=' ? name + length + 1 : NULL);
        return true;
    }
    return (!two_dashes && take_letters(words, options, name)) || name[length] == '=';
}

/* ---- words ----------------------------------------------------------------------------------- */

/* Both runtimes allow letters, digits and these. */
static bool can_be_container(const char *word)
{
    return *word && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789_+-.")] == '\0';
}

/* The next word follows an unknown option: true if it cannot be but its value. */
static bool must_be_value(const Words *words, const OciCommand *command)
{
    if (!can_be_container(words->list[words->at]))
        return true;
    /* No program that a container runs is called like an option. */
    return command->in_order && words->at + 1 < words->count &&
           is_option(words->list[words->at + 1]);
}

/* Reads what follows COMMAND. DROP words that follow unknown options are their values. Gives how
 * many words there were beside. */
static size_t read_words(Words *words, const OciCommand *command, size_t drop)
{
    bool unknown_before = false;
    bool options_over = false;
    size_t count = 0;

    while (words->at < words->count) {
        const char *word = words->list[words->at];
        if (!options_over && ends_options(word)) {
            options_over = true;
            words->at++;
        } else if (!options_over && is_option(word)) {
            unknown_before = !take_option(words, command->options);
        } else if (unknown_before && !options_over && (drop > 0 || must_be_value(words, command))) {
            drop -= drop > 0;
            unknown_before = false;
            words->at++;
        } else {
            if (count++ == 0 && command->has_container)
                words->arguments->container = word;
            options_over = options_over || command->in_order;
            words->at++;
        }
    }
    return count;
}

/* exec with a file for the process has no command behind the container. */
static size_t words_allowed(const OciCommand *command, const OciArguments *arguments)
{
    return command->in_order && arguments->process ? 1 : command->words;
}

static void read_command(Words *words, const OciCommand *command)
{
    const Words before = *words;
    const OciArguments nothing_yet = *words->arguments;

    const size_t count = read_words(words, command, 0);
    const size_t allowed = words_allowed(command, words->arguments);
    if (count > allowed) {
        *words = before;
        *words->arguments = nothing_yet;
        (void)read_words(words, command, count - allowed);
    }
    if (!command->has_bundle)
        words->arguments->bundle = NULL;
    else if (!words->arguments->bundle)
        words->arguments->bundle = ".";
}

/* The word that names the command; NULL: there is none. */
static const char *read_global(Words *words)
{
    bool unknown_before = false;

    while (words->at < words->count) {
        const char *word = words->list[words->at];
        if (ends_options(word)) {
            words->at++;
            return words->at < words->count ? words->list[words->at] : NULL;
        }
        if (is_option(word)) {
            unknown_before = !take_option(words, oci_global_options);
        } else if (unknown_before && !oci_command_find(word) && words->at + 1 < words->count) {
            unknown_before = false;
            words->at++;
        } else {
            return word;
        }
    }
    return NULL;
}

int oci_arguments_read(int argc, char *const *argv, OciArguments *ret)
{
    OciArguments arguments = {0};

    if (argc < 1)
        return -EINVAL;
    Words words = {.list = argv, .count = (size_t)argc, .at = 1, .arguments = &arguments};
    arguments.command = read_global(&words);
    if (arguments.command) {
        const OciCommand *command = oci_command_find(arguments.command);
        arguments.command_index = words.at++;
        read_command(&words, command ? command : &oci_command_other);
    }
    *ret = arguments;
    return 0;
}
