/* SPDX-License-Identifier: Apache-2.0 */
/* A container's description: what is read of it, what is wanted of whittle, how it is changed. */
#include "base/io.h"
#include "base/memory.h"
#include "suite.h"
#include "tracer/oci_bundle.h"
#include "tracer/oci_json.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/whittle-test-XXXXXX";

static void make_place(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void remove_place(void)
{
    static const char *const names[] = {"config.json", "other.json", "process.json"};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        (void)unlink(names[i]);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing temporary is left */
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static OciBundle *bundle_of(const char *text)
{
    OciBundle *bundle = NULL;
    Error err = {0};

    write_text("config.json", text);
    ck_assert_msg(oci_bundle_read(".", NULL, &bundle, &err) == 0, "%s", err.text);
    return bundle;
}

static void same_texts(const OciTexts *texts, const char *want)
{
    CLEANUP(buffer_deinit) Buffer all = BUFFER_INIT;

    for (size_t i = 0; i < texts->count; i++)
        (void)buffer_printf(&all, "%s%s", i ? " " : "", texts->list[i]);
    ck_assert_str_eq(buffer_text(&all), want);
}

/* ---- reading --------------------------------------------------------------------------------- */

static const char whole[] =
    "{\"ociVersion\":\"1.2.0\",\"process\":{\"user\":{\"uid\":101,\"gid\":4294967295,"
    "\"additionalGids\":[101,4]},\"args\":[\"/entry\",\"nginx -g\",7],\"env\":[\"PATH=/bin\","
    "\"A=1\",\"A=2\"],\"cwd\":\"/srv\",\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\"],"
    "\"effective\":[\"CAP_CHOWN\"]},\"rlimits\":[{\"type\":\"RLIMIT_CORE\","
    "\"hard\":18446744073709551615,\"soft\":18446744073709551615}],\"noNewPrivileges\":true,"
    "\"apparmorProfile\":\"docker-default\"},\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
    "\"hostname\":\"web\",\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\"},"
    "{\"destination\":\"/data\",\"type\":\"bind\",\"options\":[\"rbind\",\"rprivate\"],"
    "\"source\":\"/var/lib/docker/volumes/v/_data\"},"
    "{\"destination\":\"/etc/hosts\",\"options\":[\"rbind\",\"ro\"],\"source\":\"/x\"},"
    "{\"type\":\"tmpfs\"},3,"
    "{\"destination\":\"/tmp\",\"type\":\"tmpfs\",\"options\":\"rw\"}],"
    "\"annotations\":{\"a.b\":\"c\",\"n\":1},\"linux\":{\"cgroupsPath\":\"s.slice:docker:x\","
    "\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"network\",\"path\":\"/proc/1/ns/net\"},"
    "{\"type\":\"pid\",\"path\":\"\"},{\"type\":\"new\"}],\"seccomp\":{}}}";

START_TEST(test_whole)
{
    make_place();
    CLEANUP(oci_bundle_drop) OciBundle *bundle = bundle_of(whole);
    const OciProcess *process = &bundle->process;

    same_texts(&process->args, "/entry nginx -g");
    same_texts(&process->env, "PATH=/bin A=1 A=2");
    same_texts(&process->bounding, "CAP_CHOWN CAP_KILL");
    same_texts(&process->effective, "CAP_CHOWN");
    same_texts(&process->ambient, "");
    ck_assert(process->has_capabilities);
    ck_assert(process->no_new_privileges);
    ck_assert_str_eq(process->cwd, "/srv");
    ck_assert_str_eq(process->apparmor, "docker-default");
    ck_assert_uint_eq(process->uid, 101);
    ck_assert_uint_eq(process->gid, UINT32_MAX);
    ck_assert_uint_eq(process->groups_count, 2);
    ck_assert_uint_eq(process->groups[1], 4);
    ck_assert_str_eq(bundle->path, "./config.json");
    ck_assert_str_eq(bundle->root, "rootfs");
    ck_assert(bundle->root_read_only);
    ck_assert(bundle->has_seccomp);
    ck_assert_str_eq(bundle->hostname, "web");
    ck_assert_str_eq(bundle->cgroups_path, "s.slice:docker:x");
    ck_assert_int_eq(bundle->namespaces[OCI_NAMESPACE_MOUNT].use, OCI_NAMESPACE_NEW);
    ck_assert_int_eq(bundle->namespaces[OCI_NAMESPACE_PID].use, OCI_NAMESPACE_NEW);
    ck_assert_int_eq(bundle->namespaces[OCI_NAMESPACE_IPC].use, OCI_NAMESPACE_SHARED);
    ck_assert_int_eq(bundle->namespaces[OCI_NAMESPACE_NETWORK].use, OCI_NAMESPACE_JOINED);
    ck_assert_str_eq(bundle->namespaces[OCI_NAMESPACE_NETWORK].path, "/proc/1/ns/net");
    ck_assert_str_eq(oci_bundle_annotation(bundle, "a.b"), "c");
    ck_assert_ptr_null(oci_bundle_annotation(bundle, "n"));
    ck_assert_str_eq(oci_bundle_variable(bundle, "A"), "2");
    ck_assert_ptr_null(oci_bundle_variable(bundle, "PAT"));
    remove_place();
}
END_TEST

static const struct {
    const char *destination;
    OciMountClass class;
    bool read_only;
} mounts[] = {
    {"/proc", OCI_MOUNT_OTHER, false},
    {"/data", OCI_MOUNT_VOLUME, false},
    {"/etc/hosts", OCI_MOUNT_BIND, true},
    {"/tmp", OCI_MOUNT_TMPFS, false},
};

START_TEST(test_mounts)
{
    make_place();
    CLEANUP(oci_bundle_drop) OciBundle *bundle = bundle_of(whole);

    ck_assert_uint_eq(bundle->mounts_count, ARRAY_LENGTH(mounts));
    for (size_t i = 0; i < bundle->mounts_count; i++) {
        ck_assert_str_eq(bundle->mounts[i].destination, mounts[i].destination);
        ck_assert_int_eq(bundle->mounts[i].class, mounts[i].class);
        ck_assert_int_eq(bundle->mounts[i].read_only, mounts[i].read_only);
    }
    remove_place();
}
END_TEST

/* Whatever is of the wrong type is not there. */
static const char *const odd[] = {
    "{}",
    "{\"process\":[],\"root\":1,\"mounts\":{},\"linux\":null,\"annotations\":[]}",
    "{\"process\":{\"user\":{\"uid\":-1,\"gid\":1e300,\"additionalGids\":{}},\"args\":\"a\","
    "\"env\":{\"A\":1},\"capabilities\":[]},\"linux\":{\"namespaces\":[1,{},{\"type\":2}],"
    "\"seccomp\":null},\"mounts\":[[],{\"destination\":null}]}",
};

START_TEST(test_odd)
{
    make_place();
    CLEANUP(oci_bundle_drop) OciBundle *bundle = bundle_of(odd[_i]);

    ck_assert_uint_eq(bundle->process.uid, 0);
    ck_assert_uint_eq(bundle->process.gid, 0);
    ck_assert_uint_eq(bundle->process.args.count + bundle->process.env.count, 0);
    ck_assert_uint_eq(bundle->mounts_count, 0);
    ck_assert(!bundle->has_seccomp);
    ck_assert(!bundle->process.has_capabilities);
    ck_assert_ptr_null(oci_bundle_annotation(bundle, "a"));
    ck_assert_int_eq(oci_bundle_strip(bundle, NULL), 0);
    remove_place();
}
END_TEST

static const struct {
    const char *text;
    const char *says;
} bad[] = {
    {"", "config.json:1:"},
    {"{", "config.json:1:"},
    {"[]", "is no JSON object"},
    {"{\"a\":1,\"a\":2}", "duplicate"},
    {"{\"a\":\"\\u0000\"}", "config.json:1:"},
    {"{\"a\":\"\xff\"}", "config.json:1:"},
    {"{} {}", "config.json:1:"},
};

START_TEST(test_bad)
{
    OciBundle *bundle = NULL;
    Error err = {0};

    make_place();
    write_text("config.json", bad[_i].text);
    ck_assert_int_eq(oci_bundle_read(".", NULL, &bundle, &err), -EINVAL);
    ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s", err.text);
    ck_assert_ptr_null(bundle);
    remove_place();
}
END_TEST

/* COUNT times WORD, for files that are too deep or too large. */
static char *repeat(const char *before, const char *word, size_t count)
{
    Buffer text = BUFFER_INIT;

    (void)buffer_puts(&text, before);
    for (size_t i = 0; i < count; i++)
        (void)buffer_puts(&text, word);
    return buffer_steal(&text);
}

START_TEST(test_limits)
{
    CLEANUP(free_pointer) char *deep = repeat("{\"a\":", "[", 1000 * 1000);
    CLEANUP(free_pointer) char *large = repeat("{}", "        ", OCI_JSON_BYTES_MAX / 8);
    OciBundle *bundle = NULL;
    Error err = {0};

    make_place();
    ck_assert_int_eq(oci_bundle_read(".", NULL, &bundle, &err), -ENOENT);
    write_text("config.json", deep);
    ck_assert_int_eq(oci_bundle_read(".", NULL, &bundle, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "brackets"));
    write_text("config.json", large);
    ck_assert_int_eq(oci_bundle_read(".", NULL, &bundle, &err), -EFBIG);
    ck_assert_int_eq(unlink("config.json"), 0);
    ck_assert_int_eq(mkfifo("config.json", 0600), 0);
    ck_assert_int_eq(oci_bundle_read(".", NULL, &bundle, &err), -EINVAL);
    remove_place();
}
END_TEST

/* ---- wishes ---------------------------------------------------------------------------------- */

static const struct {
    const char *annotations, *env;
    OciWish want;
} wishes[] = {
    {"", "", {.record = true}},
    {"", "\"WHITTLE_OUT=a\",\"WHITTLE_LABEL=b c\",\"WHITTLE_RECORD=true\"", {"a", "b c", true}},
    {"", "\"WHITTLE_OUT=\",\"WHITTLE_LABEL=\",\"WHITTLE_RECORD=\"", {.record = true}},
    {"\"org.whittle.out\":\"x\",\"org.whittle.label\":\"y\"",
     "\"WHITTLE_OUT=a\",\"WHITTLE_LABEL=b\"",
     {"x", "y", true}},
    {"\"org.whittle.out\":\"\"", "\"WHITTLE_OUT=a\"", {"a", NULL, true}},
    {"\"org.whittle.record\":\"false\"", "\"WHITTLE_RECORD=true\"", {0}},
    {"", "\"WHITTLE_RECORD=No\"", {0}},
    {"", "\"WHITTLE_RECORD=0\"", {0}},
    {"", "\"WHITTLE_LABEL=a\\nb\"", {.record = true}},
    {"", "\"WHITTLE_OUT=a\",\"WHITTLE_OUT=b\",\"WHITTLE_OUTX=c\"", {"b", NULL, true}},
};

START_TEST(test_wishes)
{
    CLEANUP(free_pointer) char *text = NULL;
    OciWish have;

    make_place();
    ck_assert_int_gt(asprintf(&text, "{\"annotations\":{%s},\"process\":{\"env\":[%s]}}",
                              wishes[_i].annotations, wishes[_i].env),
                     0);
    CLEANUP(oci_bundle_drop) OciBundle *bundle = bundle_of(text);
    oci_bundle_wish(bundle, &have);
    ck_assert_pstr_eq(have.out, wishes[_i].want.out);
    ck_assert_pstr_eq(have.label, wishes[_i].want.label);
    ck_assert_int_eq(have.record, wishes[_i].want.record);
    remove_place();
}
END_TEST

/* ---- changes --------------------------------------------------------------------------------- */

static const struct {
    const char *before, *after; /* NULL: nothing changes */
} strips[] = {
    {"{\"process\":{\"env\":[\"A=1\"]}}", NULL},
    {"{\"process\":{\"env\":[\"xWHITTLE_OUT=1\"]},\"env\":[\"WHITTLE_X=1\"]}", NULL},
    {"{\"process\":{\"env\":[\"WHITTLE_OUT=1\"]}}", "{\"process\":{\"env\":[]}}"},
    {"{\"process\":{\"env\":[\"WHITTLE_OUT=1\",\"A=1\"]}}", "{\"process\":{\"env\":[\"A=1\"]}}"},
    {"{\"process\":{\"env\":[\"A=1\",\"WHITTLE_OUT=1\"]}}", "{\"process\":{\"env\":[\"A=1\"]}}"},
    {"{\"process\":{\"env\":[\"A\",\"WHITTLE_OUT=1\",\"B\",\"WHITTLE_X\",\"C\"]}}",
     "{\"process\":{\"env\":[\"A\",\"B\",\"C\"]}}"},
    /* numbers, order, space and escapes stay; brackets in texts mean nothing; keys may be escaped
     */
    {" {\n\t\"z\" : 18446744073709551615 , \"a\":1.50e+01,\"s\":\"]},{\\\"\\\\\","
     "\"pr\\u006fcess\": {\"x\":[{\"env\":[\"WHITTLE_A=1\"]}],\"env\" : [\n  \"A=\\u003c]\" ,\n  "
     "\"\\u0057HITTLE_OUT=\\\"]\",\n  [1,{\"b\":2}],\n  \"B=,\"\n ],\"y\":null}} \n",
     " {\n\t\"z\" : 18446744073709551615 , \"a\":1.50e+01,\"s\":\"]},{\\\"\\\\\","
     "\"pr\\u006fcess\": {\"x\":[{\"env\":[\"WHITTLE_A=1\"]}],\"env\" : [\n  \"A=\\u003c]\" ,\n  "
     "[1,{\"b\":2}],\n  \"B=,\"\n ],\"y\":null}} \n"},
};

static void check_file(const char *path, const char *want)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    ck_assert_int_eq(read_file(path, &text, 100000, NULL), 0);
    ck_assert_str_eq(buffer_text(&text), want);
}

START_TEST(test_strip)
{
    const char *before = strips[_i].before;
    const char *after = strips[_i].after;
    struct stat first, second;
    Error err = {0};

    make_place();
    CLEANUP(oci_bundle_drop) OciBundle *bundle = bundle_of(before);
    ck_assert_int_eq(chmod("config.json", 0640), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(chown("config.json", 12, 34), 0);
    ck_assert_int_eq(stat("config.json", &first), 0);
    const int r = oci_bundle_strip(bundle, &err);
    ck_assert_msg(r == (after != NULL), "%d %s", r, err.text);
    check_file("config.json", after ? after : before);
    ck_assert_str_eq(oci_bundle_text(bundle), after ? after : before);
    ck_assert_int_eq(stat("config.json", &second), 0);
    ck_assert_uint_eq(second.st_mode, first.st_mode);
    ck_assert_uint_eq(second.st_uid, first.st_uid);
    ck_assert_uint_eq(second.st_gid, first.st_gid);
    ck_assert((second.st_ino == first.st_ino) == !after);
    ck_assert_ptr_null(oci_bundle_variable(bundle, "WHITTLE_OUT"));
    ck_assert_int_eq(oci_bundle_strip(bundle, &err), 0);
    remove_place();
}
END_TEST

START_TEST(test_process)
{
    CLEANUP(oci_bundle_drop) OciBundle *bundle = NULL;
    OciWish wanted;

    make_place();
    write_text("process.json", "{\"args\":[\"ps\"],\"env\":[\"WHITTLE_LABEL=x\",\"A=1\"]}");
    ck_assert_int_eq(oci_bundle_read_process("process.json", &bundle, NULL), 0);
    same_texts(&bundle->process.args, "ps");
    oci_bundle_wish(bundle, &wanted);
    ck_assert_str_eq(wanted.label, "x");
    ck_assert_int_eq(oci_bundle_strip(bundle, NULL), 1);
    same_texts(&bundle->process.env, "A=1");
    check_file("process.json", "{\"args\":[\"ps\"],\"env\":[\"A=1\"]}");
    remove_place();
}
END_TEST

START_TEST(test_places)
{
    CLEANUP(oci_bundle_drop) OciBundle *bundle = NULL;
    CLEANUP(oci_bundle_drop) OciBundle *absolute = NULL;
    char path[64];
    Error err = {0};

    make_place();
    write_text("other.json", "{\"process\":{\"env\":[\"WHITTLE_OUT=1\"]}}");
    ck_assert_int_eq(symlink("other.json", "config.json"), 0);
    (void)snprintf(path, sizeof path, "%s/other.json", folder);
    ck_assert_int_eq(oci_bundle_read("/nowhere", path, &absolute, &err), 0);
    ck_assert_int_eq(oci_bundle_read(".", NULL, &bundle, &err), 0);
    /* what a link leads to is not changed */
    ck_assert_int_eq(oci_bundle_strip(bundle, &err), -EINVAL);
    ck_assert_str_eq(oci_bundle_variable(bundle, "WHITTLE_OUT"), "1");
    check_file("other.json", "{\"process\":{\"env\":[\"WHITTLE_OUT=1\"]}}");
    ck_assert_int_eq(oci_bundle_strip(absolute, &err), 1);
    /* changed by others, then stripped */
    ck_assert_int_eq(unlink("config.json"), 0);
    bundle = oci_bundle_free(bundle);
    bundle = bundle_of("{\"process\":{\"env\":[\"WHITTLE_OUT=1\"]}}");
    ck_assert_int_eq(
        oci_bundle_replace(bundle, "{\"process\":{\"env\":[\"A=1\",\"WHITTLE_OUT=1\"]}}", &err), 0);
    ck_assert_int_eq(oci_bundle_strip(bundle, &err), 1);
    check_file("config.json", "{\"process\":{\"env\":[\"A=1\"]}}");
    remove_place();
}
END_TEST

static const struct {
    const char *before;
    const char *const keys[4];
    const char *value; /* NULL: removed */
    const char *after; /* NULL: -ENOENT */
} changes[] = {
    {"{\"a\":1}", {"a"}, NULL, "{}"},
    {"{\"a\":1,\"b\":2}", {"a"}, NULL, "{\"b\":2}"},
    {"{\"a\":1,\"b\":[2,{}]}", {"b"}, NULL, "{\"a\":1}"},
    {"{\"a\":1, \"b\" : 2 , \"c\":3}", {"b"}, NULL, "{\"a\":1, \"c\":3}"},
    {"{\"a\":{\"b\":{\"c\":0}},\"c\":1}", {"a", "b", "c"}, NULL, "{\"a\":{\"b\":{}},\"c\":1}"},
    {"{\"a\":1}", {"b"}, NULL, NULL},
    {"{\"a\":1}", {"a", "b"}, NULL, NULL},
    {"{\"a\":1}", {"a"}, "[2]", "{\"a\":[2]}"},
    {"{\"a\" : \"x\" ,\"b\":1}", {"a"}, "2", "{\"a\" : 2 ,\"b\":1}"},
    {"{\"linux\":{}}", {"linux", "seccomp"}, "{}", "{\"linux\":{\"seccomp\":{}}}"},
    {"{\"linux\":{\"x\":1}}", {"linux", "seccomp"}, "{}", "{\"linux\":{\"seccomp\":{},\"x\":1}}"},
    {" { } ", {"a\"b"}, "1", " {\"a\\\"b\":1 } "},
    {"{}", {"linux", "seccomp"}, "{}", NULL},
    {"{\"linux\":[]}", {"linux", "seccomp"}, "{}", NULL},
};

START_TEST(test_changes)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    const char *value = changes[_i].value;

    const int r = value ? oci_json_set(changes[_i].before, changes[_i].keys, value, &out)
                        : oci_json_remove(changes[_i].before, changes[_i].keys, &out);
    ck_assert_int_eq(r, changes[_i].after ? 0 : -ENOENT);
    ck_assert_str_eq(buffer_text(&out), changes[_i].after ? changes[_i].after : "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oci_bundle");

    suite_add(suite, "whole", test_whole, 1);
    suite_add(suite, "mounts", test_mounts, 1);
    suite_add(suite, "odd", test_odd, ARRAY_LENGTH(odd));
    suite_add(suite, "bad", test_bad, ARRAY_LENGTH(bad));
    suite_add(suite, "limits", test_limits, 1);
    suite_add(suite, "wishes", test_wishes, ARRAY_LENGTH(wishes));
    suite_add(suite, "strip", test_strip, ARRAY_LENGTH(strips));
    suite_add(suite, "process", test_process, 1);
    suite_add(suite, "places", test_places, 1);
    suite_add(suite, "changes", test_changes, ARRAY_LENGTH(changes));
    return suite_run(suite);
}
