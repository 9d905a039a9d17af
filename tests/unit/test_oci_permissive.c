/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles lifted for learning, what they refuse, and back. */
#include "base/io.h"
#include "base/memory.h"
#include "model/recording.h"
#include "suite.h"
#include "tracer/oci_permissive.h"
#include "tracer/oci_profile.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 16 };

static const OciProfileChange lift = {.lift = true};

static char folder[] = "/tmp/whittle-test-XXXXXX";

static void make_place(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void remove_place(void)
{
    (void)unlink("config.json");
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void write_text(const char *text)
{
    Error err = {0};

    ck_assert_msg(write_file_atomic("config.json", text, strlen(text), &err) == 0, "%s", err.text);
}

static OciBundle *bundle_of(const char *text)
{
    OciBundle *bundle = NULL;
    Error err = {0};
    char *here = realpath(".", NULL);

    write_text(text);
    ck_assert_msg(oci_bundle_read(here, NULL, &bundle, &err) == 0, "%s", err.text);
    free(here);
    return bundle;
}

/* With limits that no JSON number of 64 bits holds, as engines write them. */
#define HEAD "{\"big\":18446744073709551615,\"linux\":{\"seccomp\":"
#define TAIL ",\"x\":1},\"process\":{\"cwd\":\"/\"}}"

static const struct {
    const char *before, *after;
} rows[] = {
    {HEAD "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1}" TAIL,
     HEAD "{\"defaultAction\":\"SCMP_ACT_LOG\"}" TAIL},
    /* What is allowed stays so, by the same conditions; ENOSYS and notifications stay. */
    {HEAD "{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"syscalls\":["
          "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
          "\"value\":2114060288,\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
          "{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1},"
          "{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38},"
          "{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}" TAIL,
     HEAD "{\"defaultAction\":\"SCMP_ACT_LOG\",\"syscalls\":["
          "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
          "\"value\":2114060288,\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
          "{\"names\":[\"bpf\"],\"action\":\"SCMP_ACT_LOG\"},"
          "{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38},"
          "{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}" TAIL},
    {HEAD "{\"architectures\":[\"SCMP_ARCH_X86_64\"],\"defaultAction\":\"SCMP_ACT_TRAP\"}" TAIL,
     HEAD "{\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"],"
          "\"defaultAction\":\"SCMP_ACT_LOG\"}" TAIL},
    {"{\"process\":{\"apparmorProfile\":\"docker-default\",\"cwd\":\"/\"}}",
     "{\"process\":{\"cwd\":\"/\"}}"},
    {"{\"process\":{}}", "{\"process\":{}}"},
};

static void is_in_file(const char *want)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error err = {0};

    ck_assert_msg(read_file("config.json", &text, FILE_MAX, &err) == 0, "%s", err.text);
    ck_assert_str_eq(buffer_text(&text), want);
}

START_TEST(test_lift)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error err = {0};

    make_place();
    CLEANUP(oci_bundle_drop) OciBundle *bundle = bundle_of(rows[_i].before);
    ck_assert_msg(oci_profile_text(bundle, &lift, &text, &err) == 0, "%s", err.text);
    ck_assert_str_eq(buffer_text(&text), rows[_i].after);
    remove_place();
}
END_TEST

/* Also where something else has changed meanwhile; but not what somebody else has made of it. */
START_TEST(test_undo)
{
    static const char profile[] =
        "{\"linux\":{\"seccomp\":{\"defaultAction\" : \"SCMP_ACT_ERRNO\"}},"
        "\"process\":{\"apparmorProfile\":\"docker-default\",\"env\":[]}}";
    static const char changed[] =
        "{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_LOG\"}},\"process\":{\"env\":[1]}}";
    static const char undone[] =
        "{\"linux\":{\"seccomp\":{\"defaultAction\" : \"SCMP_ACT_ERRNO\"}},"
        "\"process\":{\"apparmorProfile\":\"docker-default\",\"env\":[1]}}";
    static const char others[] =
        "{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_KILL\"}},\"process\":{}}";
    Error err = {0};

    make_place();
    CLEANUP(oci_bundle_drop) OciBundle *bundle = bundle_of(profile);
    write_text(changed);
    ck_assert_msg(oci_profile_undo(bundle, &lift, &err) == 0, "%s", err.text);
    is_in_file(undone);
    write_text(others);
    ck_assert_msg(oci_profile_undo(bundle, &lift, &err) == 0, "%s", err.text);
    is_in_file(others);
    remove_place();
    ck_assert_int_eq(oci_profile_undo(bundle, &lift, &err), -ENOENT);
}
END_TEST

/* What cannot be changed exactly is not changed. */
START_TEST(test_bad)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error err = {0};

    make_place();
    CLEANUP(oci_bundle_drop)
    OciBundle *bundle = bundle_of("{\"linux\":{\"seccomp\":{\"a\":18446744073709551615}}}");
    ck_assert_int_lt(oci_profile_text(bundle, &lift, &text, &err), 0);
    ck_assert_msg(strstr(err.text, "config.json: linux.seccomp") != NULL, "%s", err.text);
    ck_assert_uint_eq(text.length, 0);
    remove_place();
}
END_TEST

#define RULE(names, action, more)                                                                  \
    "{\"names\":[" names "],\"action\":\"SCMP_ACT_" action "\"" more "}"
#define ARGS    ",\"args\":[{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]"
#define NO_CALL ",\"errnoRet\":38"
#define PROFILE(action, rules)                                                                     \
    "{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_" action "\",\"syscalls\":[" rules "]}" \
    "}}"

static const struct {
    const char *profile;
    const char *refused, *allowed; /* a call; NULL: none to look at */
} verdicts[] = {
    {PROFILE("ERRNO", RULE("\"read\",\"write\"", "ALLOW", "")), "mount", "write"},
    {PROFILE("ERRNO", RULE("\"read\"", "ALLOW", ARGS)), "write", "read"},
    {PROFILE("ERRNO", RULE("\"clone3\"", "ERRNO", NO_CALL)), "mount", "clone3"},
    {PROFILE("ALLOW", RULE("\"mount\"", "ERRNO", "")), "mount", "read"},
    {PROFILE("ALLOW", RULE("\"mount\"", "ERRNO", ARGS)), NULL, "mount"},
    {PROFILE("ALLOW", RULE("\"mount\"", "KILL", "") "," RULE("\"mount\"", "ALLOW", ARGS)), NULL,
     "mount"},
    {"{\"linux\":{}}", NULL, "mount"},
};

START_TEST(test_verdicts)
{
    CLEANUP(buffer_deinit) Buffer denies = BUFFER_INIT;
    Error err = {0};

    make_place();
    CLEANUP(oci_bundle_drop) OciBundle *bundle = bundle_of(verdicts[_i].profile);
    ck_assert_msg(oci_permissive_denies(bundle, &denies, &err) == 0, "%s", err.text);
    /* It fits into a run's text. */
    ck_assert_uint_lt(denies.length, 4096);
    const Run run = {.profile_denies = denies.length ? buffer_text(&denies) : NULL};
    if (verdicts[_i].refused)
        ck_assert(run_profile_denies(&run, verdicts[_i].refused));
    ck_assert(!run_profile_denies(&run, verdicts[_i].allowed));
    remove_place();
}
END_TEST

/* ---- the listener ---------------------------------------------------------------------------- */

static const OciProfileChange listen = {.listener = "/run/s", .metadata = "id"};

static const struct {
    const char *before, *after; /* NULL: refused */
} notified[] = {
    /* What is let through is notified of by the same conditions, but for what cannot be; what is
     * refused by an errno without any. */
    {PROFILE("TRAP", RULE("\"read\",\"write\",\"futex\"", "ALLOW", "") "," RULE(
                         "\"socket\"", "ALLOW", ARGS) "," RULE("\"clone3\"", "ERRNO", NO_CALL)),
     "{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_TRAP\",\"syscalls\":[" RULE(
         "\"read\"", "NOTIFY",
         "") "," RULE("\"socket\"", "NOTIFY",
                      ARGS) "," RULE("\"clone3\"", "NOTIFY",
                                     "") "," RULE("\"futex\",\"write\"", "ALLOW",
                                                  "") "],"
                                                      "\"listenerPath\":\"/run/"
                                                      "s\",\"listenerMetadata\":\"id\"}}}"},
    {PROFILE("ERRNO", RULE("\"mount\"", "NOTIFY", "")), NULL},
    {PROFILE("ALLOW", RULE("\"mount\"", "KILL", ARGS)), NULL},
    {"{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}}}",
     NULL},
};

START_TEST(test_listener)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error err = {0};

    make_place();
    CLEANUP(oci_bundle_drop) OciBundle *bundle = bundle_of(notified[_i].before);
    const int r = oci_profile_text(bundle, &listen, &text, &err);
    ck_assert_msg((r == 0) == (notified[_i].after != NULL), "%s", err.text);
    if (notified[_i].after)
        ck_assert_str_eq(buffer_text(&text), notified[_i].after);
    else
        ck_assert_msg(strstr(err.text, "config.json: linux.seccomp") != NULL, "%s", err.text);
    remove_place();
}
END_TEST

/* A container without a profile, or without `linux`, gets one that notifies of all; and loses it.
 */
START_TEST(test_listener_without_profile)
{
    static const char *const texts[] = {"{\"process\":{}}", "{\"linux\":{},\"process\":{}}"};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error err = {0};

    make_place();
    CLEANUP(oci_bundle_drop) OciBundle *bundle = bundle_of(texts[_i]);
    ck_assert_msg(oci_profile_text(bundle, &listen, &text, &err) == 0, "%s", err.text);
    write_text(buffer_text(&text));
    CLEANUP(oci_bundle_drop) OciBundle *changed = NULL;
    ck_assert_msg(oci_bundle_read("", bundle->path, &changed, &err) == 0, "%s", err.text);
    ck_assert(changed->has_seccomp);
    ck_assert_ptr_nonnull(strstr(buffer_text(&text), "\"openat\""));
    ck_assert_ptr_null(strstr(buffer_text(&text), "\"write\""));
    ck_assert_msg(oci_profile_undo(bundle, &listen, &err) == 0, "%s", err.text);
    is_in_file("{\"linux\":{},\"process\":{}}");
    remove_place();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oci_permissive");

    suite_add(suite, "lift", test_lift, ARRAY_LENGTH(rows));
    suite_add(suite, "undo", test_undo, 1);
    suite_add(suite, "bad", test_bad, 1);
    suite_add(suite, "verdicts", test_verdicts, ARRAY_LENGTH(verdicts));
    suite_add(suite, "listener", test_listener, ARRAY_LENGTH(notified));
    suite_add(suite, "listener without profile", test_listener_without_profile, 2);
    return suite_run(suite);
}
