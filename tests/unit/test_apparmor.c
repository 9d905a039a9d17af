/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generator/emit_apparmor: each rule of a policy as a line of a profile. That apparmor_parser
 * understands them is tests/live/test_apparmor_parser.py's.
 */
#include "base/memory.h"
#include "generator/apparmor_profile.h"
#include "generator/apparmor_text.h"
#include "generator/emitter.h"
#include "suite.h"

#include <errno.h>

static Policy *parse(const char *rest)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Policy *policy = NULL;
    Error err = {0};

    (void)buffer_printf(&text,
                        "whittle: policy\nformat: 1\nname: t\narchitectures: [x86_64]\n"
                        "runtimes: []\n%s\n",
                        rest);
    ck_assert_msg(policy_parse("p", buffer_text(&text), text.length, &policy, &err) == 0, "%s",
                  err.text);
    policy_sort(policy);
    return policy;
}

static const struct {
    const char *policy;
    const char *line; /* wanted; NULL: none beside what every profile has, and a note */
} rules[] = {
    {"capabilities: [CAP_NET_BIND_SERVICE]", "  capability net_bind_service,\n"},
    {"capabilities: [{rule: CAP_CHOWN, deny: true}]", "  deny capability chown,\n"},
    {"files: [/a rwalkmix]", "  /a mrwlkix,\n"},
    {"files: [/a ra]", "  /a ra,\n"},
    {"files: [owner /a rw]", "  owner /a rw,\n"},
    {"files: [/a px]", "  /a px,\n"},
    {"files: [{rule: /a rmix, deny: true}]", "  deny /a mrx,\n"},
    {"files: [{rule: /a r, reason: \"two\\nlines\"}]", "  /a r, # two lines\n"},
    {"files: [/new l -> /old]", "  link /new -> /old,\n"},
    {"files: [owner /new rl -> /old]", "  owner link /new -> /old,\n  owner /new r,\n"},
    /* Quoted: libyaml before 0.2.5 takes ? within [] for the sign of a key. */
    {"files: [\"/a/**/b?*.c r\"]", "  /a/**/b?*.c r,\n"},
    {"files: [\"/{a,b}[c-e] r\"]", "  \"/{a,b}[c-e]\" r,\n"},
    {"files: ['/a\\x20b\\*\\x22\\\\\\xff r']", "  \"/a b\\*\\042\\134\\377\" r,\n"},
    {"files: ['/proc/@{pid}/task/@{tid}/x r']", "  \"/proc/@{pid}/task/@{tid}/x\" r,\n"},
    {"network: [inet6 stream]", "  network inet6 stream,\n"},
    {"network: [netlink]", "  network netlink,\n"},
    {"network: [martian stream]", NULL},
    {"network: [inet flow]", NULL},
    {"signals: [SIGTERM child]", "  signal (send, receive) set=(term) peer=@{profile_name},\n"},
    {"signals: [exists]", "  signal (send, receive) set=(exists) peer=@{profile_name},\n"},
    {"signals: [any]", "  signal (send, receive) peer=@{profile_name},\n"},
    {"signals: [SIG_77]", NULL},
    {"ptrace: [read]", "  ptrace (read, readby) peer=@{profile_name},\n"},
    {"ptrace: [trace child]", "  ptrace (trace, tracedby, read, readby) peer=@{profile_name},\n"},
    {"mounts: [mount fstype=tmpfs options=nosuid tmpfs -> /m]",
     "  mount fstype=(tmpfs) options=(rw, nosuid) \"tmpfs\" -> \"/m{,/}\",\n"},
    {"mounts: [mount options=ro -> /m]", "  mount options=(ro) -> \"/m{,/}\",\n"},
    {"mounts: [bind options=rec /a -> /b]",
     "  mount options=(rw, rbind) \"/a{,/}\" -> \"/b{,/}\",\n"},
    {"mounts: [bind /a -> /]", "  mount options=(rw, bind) \"/a{,/}\" -> /,\n"},
    {"mounts: [move /a -> /b]", "  mount options=(rw, move) \"/a{,/}\" -> \"/b{,/}\",\n"},
    {"mounts: [make-slave options=rec -> /]", "  mount options=(make-rslave) -> /,\n"},
    {"mounts: [remount options=ro -> /a]", "  remount options=(ro) \"/a{,/}\",\n"},
    {"mounts: [umount -> /a]", "  umount \"/a{,/}\",\n"},
    {"mounts: [pivot_root /new -> /new/old]", "  pivot_root,\n"},
    {"mounts: [fsopen fstype=proc]", NULL},
    {"mounts: [mount options=0x8000 x -> /a]", NULL},
    {"mounts: [make-slave]", NULL},
    {"unix: [\"connect stream @x\\\\x20y\"]",
     "  unix (connect, send, receive) type=stream peer=(addr=\"@x y\"),\n"},
    {"unix: [bind dgram @x]", "  unix (bind, listen, accept) type=dgram addr=\"@x\",\n"},
    {"unix: [connect stream /run/x]",
     "  unix (create, getattr, setattr, getopt, setopt, shutdown) type=stream,\n"},
};

START_TEST(test_rule)
{
    CLEANUP(policy_cleanup) Policy *policy = parse(rules[_i].policy);
    CLEANUP(policy_cleanup) Policy *nothing = parse("");
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer bare = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    ck_assert_int_eq(emit_apparmor(policy, &out, &notes, NULL), 0);
    ck_assert_int_eq(emit_apparmor(nothing, &bare, NULL, NULL), 0);
    if (rules[_i].line) {
        ck_assert_msg(strstr(buffer_text(&out), rules[_i].line) != NULL, "%s", buffer_text(&out));
        ck_assert_uint_eq(notes.length, 0);
        ck_assert_ptr_null(strstr(buffer_text(&bare), rules[_i].line));
    } else {
        ck_assert_ptr_nonnull(strstr(buffer_text(&notes), "is left out"));
        /* The section's heading and nothing below. */
        const char *heading = strrchr(buffer_text(&out), '#');
        ck_assert_ptr_nonnull(heading);
        ck_assert_str_eq(strchr(heading, '\n'), "\n}\n");
    }
}
END_TEST

static const struct {
    const char *name;
    const char *wanted;
} signals[] = {
    {"SIGHUP", "hup"},      {"SIGTSTP", "stp"},  {"SIGPOLL", "io"},        {"SIGSTKFLT", "stkflt"},
    {"SIGRT_0", "rtmin+0"}, {"SIG_0", "exists"}, {"SIGRT_30", "rtmin+30"}, {"SIGNONE", NULL},
    {"TERM", NULL},         {"", NULL},
};

START_TEST(test_signal)
{
    char text[32];
    const char *made = apparmor_signal(signals[_i].name, text, sizeof text);

    if (signals[_i].wanted)
        ck_assert_str_eq(made, signals[_i].wanted);
    else
        ck_assert_ptr_null(made);
}
END_TEST

START_TEST(test_bad_pattern)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    ck_assert_int_eq(apparmor_append_pattern(&out, "/a[b"), -EINVAL);
    ck_assert_uint_eq(out.length, 0);
}
END_TEST

/* What `whittle verify` loads: another name, more rules, and all allowed in sections left out. */
START_TEST(test_profile)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Policy *policy = parse("capabilities: [CAP_CHOWN]\nfiles: [/a r]");
    const ApparmorProfile profile = {
        .name = "other", .sections = 1u << POLICY_FILES, .more = "  /more r,\n"};

    ck_assert_int_eq(apparmor_profile_print(policy, &profile, &out, NULL), 0);
    const char *text = buffer_text(&out);
    ck_assert_ptr_nonnull(strstr(text, "\nprofile other flags="));
    ck_assert_ptr_nonnull(strstr(text, "\n  /more r,\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  /a r,\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  capability,\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  network,\n"));
    ck_assert_ptr_null(strstr(text, "chown"));
    ck_assert_ptr_null(strstr(text, "\n  file,\n"));
    (void)policy_free(policy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("apparmor");

    suite_add(suite, "rules", test_rule, ARRAY_LENGTH(rules));
    suite_add(suite, "signals", test_signal, ARRAY_LENGTH(signals));
    suite_add(suite, "bad pattern", test_bad_pattern, 1);
    suite_add(suite, "profile", test_profile, 1);
    return suite_run(suite);
}
