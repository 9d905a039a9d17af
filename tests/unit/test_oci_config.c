/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/whittle/oci.yaml: what it may say, what it says of mistakes, and from whom it is taken. */
#include "base/io.h"
#include "base/memory.h"
#include "suite.h"
#include "tracer/oci_config.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *text;
    OciConfig want; /* NULL and 0: the default, and no label */
} good[] = {
    {"", {0}},
    {"# nothing\n", {0}},
    {"{}\n", {0}},
    {"runtime: crun\n", {.runtime = (char[]){"crun"}}},
    {"runtime: /usr/local/bin/crun\noutput: /srv/r e c\n",
     {.runtime = (char[]){"/usr/local/bin/crun"}, .output = (char[]){"/srv/r e c"}}},
    {"on-failure: refuse\n", {.on_failure = OCI_ON_FAILURE_REFUSE}},
    {"on-failure: run\nbackend: bpf\n", {.backend = OCI_BACKEND_BPF}},
    {"backend: listener\npermissive: true\n",
     {.backend = OCI_BACKEND_LISTENER, .permissive = true}},
    {"{backend: \"auto\", permissive: false, label: 'CI of: x'}\n",
     {.label = (char[]){"CI of: x"}}},
    {"keep-ready: 1440\n", {.keep_ready = 1440}},
    {"output: /a..b/...\n", {.output = (char[]){"/a..b/..."}}},
};

START_TEST(test_good)
{
    CLEANUP(oci_config_deinit) OciConfig config = {0};
    const OciConfig *want = &good[_i].want;
    Error err = {0};

    const int r = oci_config_parse("x.yaml", good[_i].text, strlen(good[_i].text), &config, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    ck_assert_str_eq(config.runtime, want->runtime ? want->runtime : "runc");
    ck_assert_str_eq(config.output, want->output ? want->output : "/var/lib/whittle");
    ck_assert_pstr_eq(config.label, want->label);
    ck_assert_int_eq(config.on_failure, want->on_failure);
    ck_assert_int_eq(config.backend, want->backend);
    ck_assert_int_eq(config.permissive, want->permissive);
    ck_assert_uint_eq(config.keep_ready, want->keep_ready ? want->keep_ready : 15);
}
END_TEST

static const struct {
    const char *text;
    const char *says;
} bad[] = {
    {"runtim: crun\n",
     "x.yaml:1:1: \"runtim\" is no key: there are backend, keep-ready, label, on-failure"},
    {"label: a\nlabel: b\n", "x.yaml:2:1: \"label\" is here a second time"},
    {"on-failure: maybe\n",
     "x.yaml:1:13: on-failure: \"maybe\" is not allowed: write run or refuse"},
    {"backend: ptrace\n", "auto, bpf or listener"},
    {"permissive: yes\n", "true or false"},
    {"keep-ready: 1441\n", "minutes, from 0 to 1440"},
    {"keep-ready: -1\n", "minutes, from 0 to 1440"},
    {"keep-ready: 5m\n", "minutes, from 0 to 1440"},
    {"output: recordings\n", "the absolute path of a folder"},
    {"output: /a/../b\n", "the absolute path of a folder"},
    {"output: /a/.\n", "the absolute path of a folder"},
    {"output: \"/a\\nb\"\n", "the absolute path of a folder"},
    {"output:\n", "the absolute path of a folder"},
    {"runtime: ./crun\n", "a program's name, or its absolute path"},
    {"runtime: ''\n", "a program's name"},
    {"runtime: [runc]\n", "x.yaml:1:10: a program's name, or its absolute path is expected here"},
    {"runtime: &a runc\n", "is expected here"},
    {"runtime: \"a\\0b\"\n", "is expected here"},
    {"label: ''\n", "1 to 255 bytes"},
    {"- a\n", "x.yaml:1:1: \"key: value\" is expected here"},
    {"runtime\n", "\"key: value\" is expected here"},
    {"? [a]\n: b\n", "a key is expected here"},
    {"label: a\n---\nlabel: b\n", "x.yaml:2:1: the end of the file is expected here"},
    {"label: 'a\n", "x.yaml:2:1: found unexpected end of stream"},
    {"\xff\xfe\n", "x.yaml"},
};

START_TEST(test_bad)
{
    OciConfig config = {.permissive = true};
    Error err = {0};

    const int r = oci_config_parse("x.yaml", bad[_i].text, strlen(bad[_i].text), &config, &err);
    ck_assert_int_lt(r, 0);
    ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s", err.text);
    ck_assert_ptr_null(config.runtime);
    ck_assert(config.permissive);
}
END_TEST

/* ---- the file -------------------------------------------------------------------------------- */

static char folder[] = "/tmp/whittle-test-XXXXXX";

static void make_place(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fchmod(fileno(file), mode), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void remove_place(void)
{
    static const char *const names[] = {"a.yaml", "runc", "link"};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        (void)unlink(names[i]);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static const struct {
    mode_t mode;
    int code;
} modes[] = {{0644, 0}, {0600, 0}, {0664, -EPERM}, {0646, -EPERM}, {0666, -EPERM}};

START_TEST(test_modes)
{
    CLEANUP(oci_config_deinit) OciConfig config = {0};
    Error err = {0};

    make_place();
    write_text("a.yaml", "label: x\n", modes[_i].mode);
    ck_assert_int_eq(oci_config_read("a.yaml", true, &config, &err), modes[_i].code);
    if (modes[_i].code == 0)
        ck_assert_str_eq(config.label, "x");
    else
        ck_assert_ptr_nonnull(strstr(err.text, "chmod go-w a.yaml"));
    remove_place();
}
END_TEST

START_TEST(test_files)
{
    CLEANUP(oci_config_deinit) OciConfig config = {0};
    Error err = {0};

    make_place();
    ck_assert_int_eq(oci_config_read("a.yaml", false, &config, &err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, "a.yaml"));
    ck_assert_int_eq(oci_config_read("a.yaml", true, &config, NULL), 0);
    ck_assert_str_eq(config.runtime, "runc");
    ck_assert_int_eq(oci_config_read(".", true, &config, &err), -EINVAL);
    ck_assert_int_eq(mkfifo("a.yaml", 0600), 0);
    ck_assert_int_eq(oci_config_read("a.yaml", true, &config, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "no ordinary file"));
    if (geteuid() == 0) { /* of somebody else */
        ck_assert_int_eq(unlink("a.yaml"), 0);
        write_text("a.yaml", "", 0644);
        ck_assert_int_eq(chown("a.yaml", 12345, 0), 0);
        ck_assert_int_eq(oci_config_read("a.yaml", true, &config, &err), -EPERM);
        ck_assert_ptr_nonnull(strstr(err.text, "user 12345"));
    }
    remove_place();
}
END_TEST

START_TEST(test_path)
{
    bool may_be_missing;

    ck_assert_int_eq(unsetenv(OCI_CONFIG_VARIABLE), 0);
    ck_assert_str_eq(oci_config_path(&may_be_missing), "/etc/whittle/oci.yaml");
    ck_assert(may_be_missing);
    ck_assert_int_eq(setenv(OCI_CONFIG_VARIABLE, "/x", 1), 0);
    ck_assert_str_eq(oci_config_path(&may_be_missing), "/x");
    ck_assert(!may_be_missing);
}
END_TEST

START_TEST(test_runtime)
{
    OciConfig config = {.runtime = (char[]){"runc"}};
    CLEANUP(free_pointer) char *path = NULL;
    char self[PATH_MAX] = {0}, search[128], want[128];
    Error err = {0};

    ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
    make_place();
    (void)snprintf(search, sizeof search, ".:relative:/nowhere:%s", folder);
    ck_assert_int_eq(setenv("PATH", search, 1), 0);
    ck_assert_int_eq(oci_config_find_runtime(&config, &path, &err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, "no such program"));
    /* a link to this program by the runtime's name */
    ck_assert_int_eq(symlink(self, "runc"), 0);
    ck_assert_int_eq(oci_config_find_runtime(&config, &path, &err), -ELOOP);
    ck_assert_ptr_null(path);
    ck_assert_int_eq(unlink("runc"), 0);
    write_text("runc", "#!/bin/sh\n", 0644);
    ck_assert_int_eq(oci_config_find_runtime(&config, &path, &err), -ENOENT);
    ck_assert_int_eq(chmod("runc", 0755), 0);
    ck_assert_int_eq(oci_config_find_runtime(&config, &path, &err), 0);
    (void)snprintf(want, sizeof want, "%s/runc", folder);
    ck_assert_str_eq(path, want);
    free(path);
    path = NULL;
    config.runtime = want;
    ck_assert_int_eq(oci_config_find_runtime(&config, &path, &err), 0);
    ck_assert_str_eq(path, want);
    free(path);
    path = NULL;
    config.runtime = self;
    ck_assert_int_eq(oci_config_find_runtime(&config, &path, &err), -ELOOP);
    remove_place();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oci_config");

    suite_add(suite, "good", test_good, ARRAY_LENGTH(good));
    suite_add(suite, "bad", test_bad, ARRAY_LENGTH(bad));
    suite_add(suite, "modes", test_modes, ARRAY_LENGTH(modes));
    suite_add(suite, "files", test_files, 1);
    suite_add(suite, "path", test_path, 1);
    suite_add(suite, "runtime", test_runtime, 1);
    return suite_run(suite);
}
