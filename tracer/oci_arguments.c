/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of runc 1.0 to 1.3 and crun 0.x to 1.2x, united. Words are read from left to right,
 * twice: the first time counts what is no option. If that is more than the command takes, the
 * second time drops as many of those that follow an unknown option.
 */
#include "tracer/oci_arguments.h"

#include "base/memory.h"

#include <errno.h>
#include <stdint.h>

/* What an option takes. */
typedef enum Takes {
    NOTHING, /* a bool: --x=true and --x=false as well */
    VALUE,
    ATTACHED, /* only as --x=VALUE or -xVALUE, argp's OPTION_ARG_OPTIONAL */
} Takes;

/* Which member of OciArguments keeps it. */
typedef enum Field {
    UNUSED,
    BUNDLE,
    CONFIG,
    ROOT,
    LOG,
    LOG_FORMAT,
    PID_FILE,
    PROCESS,
    CGROUP_MANAGER,
    SYSTEMD_CGROUP,
    DETACH,
    HELP,
} Field;

typedef struct Option {
    const char *name;
    char letter; /* 0: none */
    Takes takes;
    Field field;
} Option;

typedef struct Command {
    const char *name;
    const Option *options; /* ended by one without a name */
    unsigned words;        /* that it takes at most */
    bool in_order;         /* the first word ends the options */
    bool has_bundle;
    bool has_container;
} Command;

#define ANYWHERE                                                                                   \
    {"help", 'h', NOTHING, HELP}, {"usage", 0, NOTHING, HELP},                                     \
    {                                                                                              \
        NULL, '?', NOTHING, HELP                                                                   \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, NOTHING, UNUSED                                                                   \
    }

static const Option global_options[] = {
    ANYWHERE,
    {"cgroup-manager", 0, VALUE, CGROUP_MANAGER},
    {"criu", 0, VALUE, UNUSED},
    {"debug", 0, NOTHING, UNUSED},
    {"log", 0, VALUE, LOG},
    {"log-format", 0, VALUE, LOG_FORMAT},
    {"log-level", 0, VALUE, UNUSED},
    {"root", 0, VALUE, ROOT},
    {"rootless", 0, VALUE, UNUSED},
    {"systemd-cgroup", 0, NOTHING, SYSTEMD_CGROUP},
    {"version", 'v', NOTHING, HELP},
    {NULL, 'V', NOTHING, HELP},
    END,
};

static const Option no_options[] = {ANYWHERE, END};

static const Option create_options[] = {
    ANYWHERE,
    {"bundle", 'b', VALUE, BUNDLE},
    {"config", 'f', VALUE, CONFIG},
    {"console-socket", 0, VALUE, UNUSED},
    {"detach", 'd', NOTHING, DETACH}, /* run only */
    {"keep", 0, NOTHING, UNUSED},     /* run only */
    {"no-new-keyring", 0, NOTHING, UNUSED},
    {"no-pivot", 0, NOTHING, UNUSED},
    {"no-subreaper", 0, NOTHING, UNUSED},
    {"pid-file", 0, VALUE, PID_FILE},
    {"pidfd-socket", 0, VALUE, UNUSED},
    {"preserve-fds", 0, VALUE, UNUSED},
    END,
};

static const Option criu_options[] = {
    ANYWHERE,
    {"auto-dedup", 0, NOTHING, UNUSED},
    {"bundle", 'b', VALUE, BUNDLE}, /* from here to detach: restore only */
    {"console-socket", 0, VALUE, UNUSED},
    {"detach", 'd', NOTHING, DETACH},
    {"empty-ns", 0, VALUE, UNUSED},
    {"ext-unix-sk", 0, NOTHING, UNUSED},
    {"file-locks", 0, NOTHING, UNUSED},
    {"image-path", 0, VALUE, UNUSED},
    {"lazy-pages", 0, NOTHING, UNUSED},
    {"leave-running", 0, NOTHING, UNUSED},
    {"lsm-mount-context", 0, VALUE, UNUSED},
    {"lsm-profile", 0, VALUE, UNUSED},
    {"manage-cgroups-mode", 0, VALUE, UNUSED},
    {"no-pivot", 0, NOTHING, UNUSED},
    {"no-subreaper", 0, NOTHING, UNUSED},
    {"page-server", 0, VALUE, UNUSED},
    {"parent-path", 0, VALUE, UNUSED},
    {"pid-file", 0, VALUE, PID_FILE},
    {"pre-dump", 0, NOTHING, UNUSED},
    {"shell-job", 0, NOTHING, UNUSED},
    {"status-fd", 0, VALUE, UNUSED},
    {"tcp-established", 0, NOTHING, UNUSED},
    {"work-path", 0, VALUE, UNUSED},
    END,
};

static const Option exec_options[] = {
    ANYWHERE,
    {"additional-gids", 'g', VALUE, UNUSED},
    {"apparmor", 0, VALUE, UNUSED},
    {"cap", 'c', VALUE, UNUSED},
    {"cgroup", 0, VALUE, UNUSED},
    {"console-socket", 0, VALUE, UNUSED},
    {"cwd", 0, VALUE, UNUSED},
    {"detach", 'd', NOTHING, DETACH},
    {"env", 'e', VALUE, UNUSED},
    {"ignore-paused", 0, NOTHING, UNUSED},
    {"no-new-privs", 0, NOTHING, UNUSED},
    {"no-subreaper", 0, NOTHING, UNUSED},
    {"pid-file", 0, VALUE, PID_FILE},
    {"pidfd-socket", 0, VALUE, UNUSED},
    {"preserve-fds", 0, VALUE, UNUSED},
    {"process", 'p', VALUE, PROCESS},
    {"process-label", 0, VALUE, UNUSED},
    {"tty", 't', ATTACHED, UNUSED},
    {"user", 'u', VALUE, UNUSED},
    END,
};

static const Option signal_options[] = {
    ANYWHERE,
    {"all", 'a', NOTHING, UNUSED},
    {"force", 'f', NOTHING, UNUSED},
    {"regex", 'r', NOTHING, UNUSED},
    END,
};

static const Option events_options[] = {
    ANYWHERE,
    {"interval", 0, VALUE, UNUSED},
    {"stats", 0, NOTHING, UNUSED},
    END,
};

static const Option list_options[] = {
    ANYWHERE,
    {"format", 'f', VALUE, UNUSED},
    {"quiet", 'q', NOTHING, UNUSED},
    END,
};

static const Option spec_options[] = {
    ANYWHERE,
    {"bundle", 'b', VALUE, UNUSED},
    {"file", 'f', VALUE, UNUSED},
    {"rootless", 0, NOTHING, UNUSED},
    END,
};

static const Option update_options[] = {
    ANYWHERE,
    {"blkio-weight", 0, VALUE, UNUSED},
    {"cpu-burst", 0, VALUE, UNUSED},
    {"cpu-idle", 0, VALUE, UNUSED},
    {"cpu-period", 0, VALUE, UNUSED},
    {"cpu-quota", 0, VALUE, UNUSED},
    {"cpu-rt-period", 0, VALUE, UNUSED},
    {"cpu-rt-runtime", 0, VALUE, UNUSED},
    {"cpu-share", 0, VALUE, UNUSED},
    {"cpuset-cpus", 0, VALUE, UNUSED},
    {"cpuset-mems", 0, VALUE, UNUSED},
    {"kernel-memory", 0, VALUE, UNUSED},
    {"kernel-memory-tcp", 0, VALUE, UNUSED},
    {"l3-cache-schema", 0, VALUE, UNUSED},
    {"mem-bw-schema", 0, VALUE, UNUSED},
    {"memory", 0, VALUE, UNUSED},
    {"memory-reservation", 0, VALUE, UNUSED},
    {"memory-swap", 0, VALUE, UNUSED},
    {"pids-limit", 0, VALUE, UNUSED},
    {"resources", 'r', VALUE, UNUSED},
    END,
};

enum { ANY_NUMBER = UINT32_MAX };

/* name, options, words, in order, has a bundle, has a container */
static const Command commands[] = {
    {"checkpoint", criu_options, 1, false, false, true},
    {"create", create_options, 1, false, true, true},
    {"delete", signal_options, 1, false, false, true},
    {"events", events_options, 1, false, false, true},
    {"exec", exec_options, ANY_NUMBER, true, false, true},
    {"features", no_options, 0, false, false, false},
    {"kill", signal_options, 2, false, false, true},
    {"list", list_options, 0, false, false, false},
    {"mounts", no_options, ANY_NUMBER, false, false, false},
    {"pause", no_options, 1, false, false, true},
    {"ps", list_options, ANY_NUMBER, true, false, true},
    {"restore", criu_options, 1, false, true, true},
    {"resume", no_options, 1, false, false, true},
    {"run", create_options, 1, false, true, true},
    {"spec", spec_options, 0, false, false, false},
    {"start", no_options, 1, false, false, true},
    {"state", no_options, 1, false, false, true},
    {"update", update_options, 1, false, false, true},
};

/* Help, and what a newer runtime has. */
static const Command other_command = {"", no_options, ANY_NUMBER, true, false, false};

static const Command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

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

static const Option *find_letter(const Option *options, char letter)
{
    for (const Option *option = options; option->name || option->letter; option++) {
        if (option->letter == letter)
            return option;
    }
    return NULL;
}

/* The one called as the LENGTH bytes at NAME; with MAY_BE_CUT the only one that begins so. */
static const Option *find_option(const Option *options, const char *name, size_t length,
                                 bool may_be_cut)
{
    const Option *found = NULL;
    unsigned count = 0;

    for (const Option *option = options; option->name || option->letter; option++) {
        if (!option->name || strncmp(option->name, name, length) != 0)
            continue;
        if (option->name[length] == '\0')
            return option;
        found = option;
        count++;
    }
    return may_be_cut && length > 0 && count == 1 ? found : NULL;
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
static void keep(OciArguments *arguments, Field field, const char *value)
{
    const struct {
        Field field;
        const char **text;
    } texts[] = {
        {BUNDLE, &arguments->bundle},
        {CONFIG, &arguments->config},
        {ROOT, &arguments->root},
        {LOG, &arguments->log},
        {LOG_FORMAT, &arguments->log_format},
        {PID_FILE, &arguments->pid_file},
        {PROCESS, &arguments->process},
    };
    const struct {
        Field field;
        bool *flag;
    } flags[] = {
        {SYSTEMD_CGROUP, &arguments->systemd_cgroup},
        {DETACH, &arguments->detach},
        {HELP, &arguments->help},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (texts[i].field == field)
            *texts[i].text = value;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        if (flags[i].field == field)
            *flags[i].flag = truth(value);
    }
    if (field == CGROUP_MANAGER)
        arguments->systemd_cgroup = value && strcmp(value, "systemd") == 0;
}

/* OPTION was there, with "=VALUE" or what was in the same word, if anything. */
static void take(Words *words, const Option *option, const char *attached)
{
    const char *value = attached;

    if (!value && option->takes == VALUE) {
        if (words->at >= words->count)
            return;
        value = words->list[words->at++];
    }
    keep(words->arguments, option->field, value);
}

/* The letters of one word, "-dtuX". False: the first is none that is known. */
static bool take_letters(Words *words, const Option *options, const char *letters)
{
    const Option *option = find_letter(options, letters[0]);

    if (!option)
        return false;
    for (; option && option->takes == NOTHING; option = find_letter(options, *letters)) {
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
static bool take_option(Words *words, const Option *options)
{
    const char *word = words->list[words->at++];
    const bool two_dashes = word[1] == '-';
    const char *name = word + (two_dashes ? 2 : 1);
    const size_t length = strcspn(name, "=");

    /* A single letter is one for both; what is longer and not known by name may be letters. */
    const Option *option =
        two_dashes || length > 1 ? find_option(options, name, length, two_dashes) : NULL;
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
static bool must_be_value(const Words *words, const Command *command)
{
    if (!can_be_container(words->list[words->at]))
        return true;
    /* No program that a container runs is called like an option. */
    return command->in_order && words->at + 1 < words->count &&
           is_option(words->list[words->at + 1]);
}

/* Reads what follows COMMAND. DROP words that follow unknown options are their values. Gives how
 * many words there were beside. */
static size_t read_words(Words *words, const Command *command, size_t drop)
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
static size_t words_allowed(const Command *command, const OciArguments *arguments)
{
    return command->in_order && arguments->process ? 1 : command->words;
}

static void read_command(Words *words, const Command *command)
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
            unknown_before = !take_option(words, global_options);
        } else if (unknown_before && !find_command(word) && words->at + 1 < words->count) {
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
        const Command *command = find_command(arguments.command);
        arguments.command_index = words.at++;
        read_command(&words, command ? command : &other_command);
    }
    *ret = arguments;
    return 0;
}
