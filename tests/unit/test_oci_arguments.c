/* SPDX-License-Identifier: Apache-2.0 */
/* What whittle-oci reads off the command lines of runc and crun, as engines and people write them.
 */
#include "base/memory.h"
#include "suite.h"
#include "tracer/oci_arguments.h"

#include <errno.h>

#define ID "0123abc"

static const struct {
    const char *line; /* words between single blanks, without the program; '' is an empty one */
    OciArguments want;
} rows[] = {
    {"", {0}},
    {"--version", {.help = true}},
    {"-v", {.help = true}},
    {"create --help", {.command = "create", .command_index = 1, .bundle = ".", .help = true}},
    {"-?", {.help = true}},
    {"features", {.command = "features", .command_index = 1}},
    {"list -q -f json", {.command = "list", .command_index = 1}},
    {"state " ID, {.command = "state", .command_index = 1, .container = ID}},
    {"create " ID, {.command = "create", .command_index = 1, .container = ID, .bundle = "."}},
    /* containerd, through go-runc */
    {"--root /run/x --log /b/log.json --log-format json --systemd-cgroup create --bundle /b "
     "--pid-file /b/init.pid --console-socket /tmp/s " ID,
     {.command = "create",
      .command_index = 8,
      .container = ID,
      .bundle = "/b",
      .root = "/run/x",
      .log = "/b/log.json",
      .log_format = "json",
      .pid_file = "/b/init.pid",
      .systemd_cgroup = true}},
    {"--root /run/x --log l --log-format json exec --process /tmp/p --detach --pid-file p " ID,
     {.command = "exec",
      .command_index = 7,
      .container = ID,
      .root = "/run/x",
      .log = "l",
      .log_format = "json",
      .pid_file = "p",
      .process = "/tmp/p",
      .detach = true}},
    /* conmon */
    {"--log-format=json --log=/l create --bundle=/b --pid-file=/p " ID,
     {.command = "create",
      .command_index = 3,
      .container = ID,
      .bundle = "/b",
      .log = "/l",
      .log_format = "json",
      .pid_file = "/p"}},
    {"exec --pid-file /p --process /q --tty --detach " ID,
     {.command = "exec",
      .command_index = 1,
      .container = ID,
      .pid_file = "/p",
      .process = "/q",
      .detach = true}},
    {"--cgroup-manager=systemd start " ID,
     {.command = "start", .command_index = 2, .container = ID, .systemd_cgroup = true}},
    {"--cgroup-manager cgroupfs start " ID,
     {.command = "start", .command_index = 3, .container = ID}},
    {"--systemd-cgroup=false start " ID, {.command = "start", .command_index = 2, .container = ID}},
    {"--log-level debug state " ID, {.command = "state", .command_index = 3, .container = ID}},
    /* each way of writing an option */
    {"run -bundle /b " ID, {.command = "run", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"run -bundle=/b " ID, {.command = "run", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"run -b /b " ID, {.command = "run", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"run -b=/b " ID, {.command = "run", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"run -b/b " ID, {.command = "run", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"run --bund /b " ID, {.command = "run", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"run --bund=/b " ID, {.command = "run", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"run -db /b " ID,
     {.command = "run", .command_index = 1, .container = ID, .bundle = "/b", .detach = true}},
    {"run -db/b " ID,
     {.command = "run", .command_index = 1, .container = ID, .bundle = "/b", .detach = true}},
    {"run --detach=false " ID,
     {.command = "run", .command_index = 1, .container = ID, .bundle = "."}},
    {"run -d=true " ID,
     {.command = "run", .command_index = 1, .container = ID, .bundle = ".", .detach = true}},
    {"run -b /a -b /b " ID,
     {.command = "run", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"run -f other.json " ID,
     {.command = "run",
      .command_index = 1,
      .container = ID,
      .bundle = ".",
      .config = "other.json"}},
    /* options between and behind the words */
    {"create " ID " --bundle /b -pid-file=/p",
     {.command = "create", .command_index = 1, .container = ID, .bundle = "/b", .pid_file = "/p"}},
    {"create --bundle /b -- " ID,
     {.command = "create", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"create -- " ID " --bundle /b",
     {.command = "create", .command_index = 1, .container = ID, .bundle = "."}},
    {"-- create " ID, {.command = "create", .command_index = 2, .container = ID, .bundle = "."}},
    {"kill " ID " -9", {.command = "kill", .command_index = 1, .container = ID}},
    {"kill --all " ID " KILL", {.command = "kill", .command_index = 1, .container = ID}},
    {"delete -f " ID, {.command = "delete", .command_index = 1, .container = ID}},
    {"update -r /r --memory 5 " ID, {.command = "update", .command_index = 1, .container = ID}},
    {"restore -d --image-path /i --work-path /w --bundle /b " ID,
     {.command = "restore", .command_index = 1, .container = ID, .bundle = "/b", .detach = true}},
    {"checkpoint --image-path /i -b /b " ID,
     {.command = "checkpoint", .command_index = 1, .container = ID}},
    {"spec -b /b", {.command = "spec", .command_index = 1}},
    /* what is behind the container of exec belongs to the command */
    {"exec " ID " ps -d --process x", {.command = "exec", .command_index = 1, .container = ID}},
    {"exec -dt -u 0:0 -e A=b --cwd / " ID " sh -c -d",
     {.command = "exec", .command_index = 1, .container = ID, .detach = true}},
    {"exec -t -d " ID " ls --help",
     {.command = "exec", .command_index = 1, .container = ID, .detach = true}},
    {"exec -- " ID " -d", {.command = "exec", .command_index = 1, .container = ID}},
    {"exec -p/q " ID, {.command = "exec", .command_index = 1, .container = ID, .process = "/q"}},
    {"exec -process=/q " ID,
     {.command = "exec", .command_index = 1, .container = ID, .process = "/q"}},
    {"ps -f json " ID " -ef", {.command = "ps", .command_index = 1, .container = ID}},
    /* options of the future */
    {"create --new --bundle /b " ID,
     {.command = "create", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"create --new word --bundle /b " ID,
     {.command = "create", .command_index = 1, .container = ID, .bundle = "/b"}},
    {"create --new=word " ID,
     {.command = "create", .command_index = 1, .container = ID, .bundle = "."}},
    {"create --new word --newer word " ID,
     {.command = "create", .command_index = 1, .container = ID, .bundle = "."}},
    {"create --new " ID, {.command = "create", .command_index = 1, .container = ID, .bundle = "."}},
    {"create -x word " ID,
     {.command = "create", .command_index = 1, .container = ID, .bundle = "."}},
    {"kill --new word " ID " 9", {.command = "kill", .command_index = 1, .container = ID}},
    {"exec --new /word " ID " ls", {.command = "exec", .command_index = 1, .container = ID}},
    {"exec --new a=b " ID " ls", {.command = "exec", .command_index = 1, .container = ID}},
    {"exec --new word --process /p " ID,
     {.command = "exec", .command_index = 1, .container = ID, .process = "/p"}},
    {"exec --process /p --new word " ID,
     {.command = "exec", .command_index = 1, .container = ID, .process = "/p"}},
    {"--new create " ID, {.command = "create", .command_index = 2, .container = ID, .bundle = "."}},
    {"--new word create " ID,
     {.command = "create", .command_index = 3, .container = ID, .bundle = "."}},
    {"--new=word create " ID,
     {.command = "create", .command_index = 2, .container = ID, .bundle = "."}},
    {"newcommand -b x " ID, {.command = "newcommand", .command_index = 1}},
    /* mistakes, which are the runtime's to tell */
    {"create --bundle", {.command = "create", .command_index = 1, .bundle = "."}},
    {"create --", {.command = "create", .command_index = 1, .bundle = "."}},
    {"--root", {0}},
    {"create --=x -= " ID,
     {.command = "create", .command_index = 1, .container = ID, .bundle = "."}},
    {"create " ID " too many",
     {.command = "create", .command_index = 1, .container = ID, .bundle = "."}},
    {"create '' x", {.command = "create", .command_index = 1, .container = "", .bundle = "."}},
};

enum { WORDS_MAX = 32 };

static void same_text(const char *line, const char *what, const char *have, const char *want)
{
    if (!want)
        ck_assert_msg(have == NULL, "%s: %s is %s", line, what, have);
    else
        ck_assert_msg(have && strcmp(have, want) == 0, "%s: %s is %s, not %s", line, what,
                      have ? have : "NULL", want);
}

START_TEST(test_lines)
{
    const char *line = rows[_i].line;
    const OciArguments *want = &rows[_i].want;
    CLEANUP(free_pointer) char *copy = strdup(line);
    char program[] = "whittle-oci";
    char *argv[WORDS_MAX] = {program};
    int argc = 1;
    OciArguments have = {.command = "stale"};

    for (char *rest = *line ? copy : NULL, *word; (word = strsep(&rest, " ")) != NULL;) {
        ck_assert_int_lt(argc, WORDS_MAX - 1);
        if (strcmp(word, "''") == 0)
            word[0] = '\0';
        argv[argc++] = word;
    }
    ck_assert_int_eq(oci_arguments_read(argc, argv, &have), 0);
    same_text(line, "command", have.command, want->command);
    ck_assert_msg(have.command_index == want->command_index, "%s: %zu", line, have.command_index);
    same_text(line, "container", have.container, want->container);
    same_text(line, "bundle", have.bundle, want->bundle);
    same_text(line, "config", have.config, want->config);
    same_text(line, "root", have.root, want->root);
    same_text(line, "log", have.log, want->log);
    same_text(line, "log_format", have.log_format, want->log_format);
    same_text(line, "pid_file", have.pid_file, want->pid_file);
    same_text(line, "process", have.process, want->process);
    ck_assert_msg(have.systemd_cgroup == want->systemd_cgroup, "%s: systemd_cgroup", line);
    ck_assert_msg(have.detach == want->detach, "%s: detach", line);
    ck_assert_msg(have.help == want->help, "%s: help", line);
}
END_TEST

START_TEST(test_nothing)
{
    char *argv[] = {NULL};
    OciArguments arguments = {.command = "kept"};

    ck_assert_int_eq(oci_arguments_read(0, argv, &arguments), -EINVAL);
    ck_assert_str_eq(arguments.command, "kept");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oci_arguments");

    suite_add(suite, "lines", test_lines, ARRAY_LENGTH(rows));
    suite_add(suite, "nothing", test_nothing, 1);
    return suite_run(suite);
}
