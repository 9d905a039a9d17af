/* SPDX-License-Identifier: Apache-2.0 */
/* generator/apparmor_read and apparmor_compare: the language, its errors, and what changes. */
#include "base/memory.h"
#include "generator/apparmor_compare.h"
#include "model/policy.h"
#include "suite.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static int parse(const char *text, ApparmorFile **ret_file, Error *err)
{
    static const char *const nowhere[] = {"/nonexistent"};
    const ApparmorReadOptions options = {.include = nowhere, .include_count = 1};

    return apparmor_parse("f", text, strlen(text), &options, ret_file, err);
}

/* "[deny ][owner ]CLASS FIELD|FIELD ; FIELD ACCESS,… [TRANSITION]" */
static void print_rule(const ApparmorRule *rule, Buffer *out)
{
    const char *separator = " ";

    (void)buffer_printf(out, "%s%s%s", rule->deny ? "deny " : "", rule->owner ? "owner " : "",
                        apparmor_class_name(rule->class));
    for (size_t f = 0; apparmor_class_field(rule->class, f); f++) {
        (void)buffer_puts(out, f ? " ; " : " ");
        for (size_t i = 0; i < rule->fields[f].count; i++)
            (void)buffer_printf(out, "%s%s", i ? "|" : "", rule->fields[f].patterns[i]);
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        if ((rule->access >> bit & 1) == 0)
            continue;
        (void)buffer_printf(out, "%s%s", separator, apparmor_access_name(rule->class, bit));
        separator = ",";
    }
    if (rule->transition)
        (void)buffer_printf(out, " %s", rule->transition);
}

#define ALL_SOCKET                                                                                 \
    "create,bind,listen,accept,connect,shutdown,getattr,setattr,getopt,setopt,send,receive"

static const struct {
    const char *rule;
    const char *wanted;
} rules[] = {
    {"/a r,", "file /a r"},
    {"rw /a,", "file /a r,w"},
    {"/a rwalkm,", "file /a r,w,a,l,k,m"},
    {"file /a r,", "file /a r"},
    {"file r /a,", "file /a r"},
    {"\"/a b\" r,", "file /a b r"},
    {"/{a,b}/c r,", "file /{a,b}/c r"},
    {"/a//b r,", "file /a/b r"},
    {"audit deny owner /a wx,", "deny owner file /a w,x"},
    {"owner audit allow /a w,", "owner file /a w"},
    {"/a rPx -> b,", "file /a r,x Px -> b"},
    {"/a pUx,", "file /a x pux"},
    {"/a PIx,", "file /a x Pix"},
    {"/a Pux -> b//c,", "file /a x PUx -> b//c"},
    {"/a rwl -> /b/*,", "file /a r,w,l"},
    {"file,", "file /{**,} r,w,a,l,k,m,x ix"},
    {"link /a -> /b,", "link /a ; /b l"},
    {"/a@{X}b r,", "file /a1b|/a2b r"},
    {"/@{Y}/@{X} r,", "file /y1/1|/y1/2|/y2/1|/y2/2 r"},
    {"capability,", "capability  use"},
    {"capability chown fowner,", "capability chown|fowner use"},
    {"deny capability sys_admin,", "deny capability sys_admin use"},
    {"network,", "network  ;  ;  ;  ;  ;  " ALL_SOCKET},
    {"network inet stream,", "network inet ; stream ;  ;  ;  ;  " ALL_SOCKET},
    {"network udp,", "network inet|inet6 ; dgram ;  ;  ;  ;  " ALL_SOCKET},
    {"network (send, receive) inet peer=(ip=::1 port=80),",
     "network inet ;  ;  ;  ; ::1 ; 80 send,receive"},
    {"unix (connect) type=stream peer=(addr=\"@x,y\", label=l),",
     "unix stream ;  ;  ;  ; @x,y ; l connect"},
    {"dbus send bus=system peer=(name=(a b)),", "dbus system ;  ;  ;  ;  ; a|b ;  send"},
    {"signal,", "signal  ;  send,receive"},
    {"signal (send) set=(term kill) set=hup peer=/a//b,", "signal term|kill|hup ; /a//b send"},
    {"signal r peer=(label=x),", "signal  ; x receive"},
    {"ptrace (readby, trace) peer=x,", "ptrace x trace,readby"},
    {"mount,", "mount  ;  ;  ;  ;  mount"},
    {"mount fstype=(ext4 tmpfs) options=(ro,noexec) /d -> /m/,",
     "mount /d ; /m/ ; ext4|tmpfs ; 1001000000000000000000000 ;  mount"},
    {"mount options=(rbind) / -> /m,", "mount / ; /m ;  ; 0000000000010000000100000 ;  mount"},
    {"mount options in (ro,sync) -> /m,",
     "mount  ; /m ;  ; [01]000[01]00000000000000000000 ;  mount"},
    {"remount options=ro /m,", "mount  ; /m ;  ; 1000010000000000000000000 ;  mount"},
    {"umount /m,", "umount /m ;  ;  umount"},
    {"pivot_root oldroot=/o/ /n/,", "pivot_root /n/ ; /o/ ;  pivot_root"},
    {"set rlimit nofile <= 10,", "rlimit nofile ; 10 set"},
    {"set rlimit rttime <= 10 min,", "rlimit rttime ; 10 set"},
    {"change_profile /a -> b,", "change_profile /a ; b change_profile"},
    {"change_profile unsafe,", "change_profile  ;  change_profile"},
    {"userns,", "userns create"},
    {"mqueue (create, read) type=posix /q,", "mqueue posix ;  ; /q create,read"},
    {"io_uring sqpoll,", "io_uring  sqpoll"},
    {"if $yes { /a r, } else { /b r, }", "file /a r"},
    {"if not $yes { /a r, } else if defined @{X} { /b r, } else { /c r, }", "file /b r"},
    {"owner { /a r, }", "owner file /a r"},
    {"/a \\\n r, # comment", "file /a r"},
    {"#include if exists <nothing>\n/a r,", "file /a r"},
    {"abi <abi/3.0>,\n/a r,", "file /a r"},
    {"signal peer=@{profile_name},", "signal  ; p send,receive"},
};

START_TEST(test_rule)
{
    CLEANUP(apparmor_file_cleanup) ApparmorFile *file = NULL;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer got = BUFFER_INIT;
    Error err = {0};

    (void)buffer_printf(&text,
                        "@{X} = 1\n@{X} += 2 # more\n@{Y}=y@{X}\n$yes = true\n"
                        "profile p /p flags=(complain, audit) {\n  %s\n}\n",
                        rules[_i].rule);
    ck_assert_msg(parse(buffer_text(&text), &file, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(apparmor_profiles_count(file), 1);
    const ApparmorProfile *profile = apparmor_profile(file, 0);
    ck_assert_str_eq(profile->name, "p");
    ck_assert_str_eq(profile->attachment.patterns[0], "/p");
    ck_assert_uint_eq(profile->flags_count, 2);
    ck_assert_uint_eq(profile->rules_count, 1);
    print_rule(&profile->rules[0], &got);
    ck_assert_str_eq(buffer_text(&got), rules[_i].wanted);
    ck_assert_str_eq(profile->rules[0].file, "f");
    ck_assert_uint_ge(profile->rules[0].line, 6);
}
END_TEST

static const struct {
    const char *text;
    const char *wanted; /* how the message begins or goes on */
} bad[] = {
    {"", "f: there is no profile"},
    {"profile p {", "f:1:12: a \"{\" is not closed"},
    {"profile p { /a r }", "f:1:18: expected \",\""},
    {"profile p { /a q, }", "f:1:16: expected permissions"},
    {"profile p { /a x, }", "f:1:16: \"x\" alone only denies"},
    {"profile p { deny /a ix, }", "f:1:21: a deny rule takes \"x\""},
    {"profile p { /a pxix, }", "f:1:16: expected permissions"},
    {"profile p { frobnicate x, }",
     "f:1:13: no rule that whittle knows begins with \"frobnicate\""},
    {"profile p {\n  network martian,\n}",
     "f:2:11: cannot understand \"martian\" in a network rule"},
    {"profile p { signal sett=x, }", "f:1:20: cannot understand \"sett\""},
    {"profile p { /@{Z} r, }", "f:1:13: @{Z} is not declared"},
    {"@{A} = x@{A}\nprofile p { /@{A} r, }", "f:2:13: @{A} contains itself"},
    {"@{A} = x\n@{A} = y\nprofile p { }", "f:2:1: @{A} is declared twice"},
    {"@{A} += x\nprofile p { }", "f:1:1: @{A} is not declared"},
    {"include <no/such>\nprofile p { }", "f:1:9: the include \"no/such\" is not there"},
    {"profile p { \"/a r, }", "f:1:13: the quotes are not closed"},
    {"}", "f:1:1: \"}\" without"},
    {"hello { }", "f:1:1: expected a profile"},
    {"profile p { if $no { } }", "f:1:16: $no is not declared"},
    {"profile p { owner capability chown, }", "f:1:19: \"owner\" is for"},
    {"profile p { priority=x /a r, }", "f:1:22: a priority"},
    {"profile p { set rlimit nofile 10, }", "f:1:13: expected \"set rlimit"},
};

START_TEST(test_bad)
{
    CLEANUP(apparmor_file_cleanup) ApparmorFile *file = NULL;
    Error err = {0};

    ck_assert_int_eq(parse(bad[_i].text, &file, &err), -EINVAL);
    ck_assert_ptr_null(file);
    ck_assert_msg(strncmp(err.text, bad[_i].wanted, strlen(bad[_i].wanted)) == 0, "%s", err.text);
}
END_TEST

/* 2^64 values of one word, and blocks in blocks. */
START_TEST(test_bounds)
{
    CLEANUP(apparmor_file_cleanup) ApparmorFile *file = NULL;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Error err = {0};

    (void)buffer_puts(&text, "@{A}=a b\nprofile p { /");
    for (int i = 0; i < 64; i++)
        (void)buffer_puts(&text, "@{A}");
    (void)buffer_puts(&text, " r, }");
    ck_assert_int_eq(parse(buffer_text(&text), &file, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "f:2:13: the variables stand for more than"));
    buffer_clear(&text);
    for (int i = 0; i < 10000; i++)
        (void)buffer_puts(&text, "profile p { ");
    ck_assert_int_eq(parse(buffer_text(&text), &file, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "too deep"));
}
END_TEST

START_TEST(test_profiles)
{
    static const char text[] = "/usr/bin/{a,b} flags=(attach_disconnected) { ^h { /x r, }\n"
                               "  profile c /c xattrs=(user.x=\"y\") { /y r, }\n  hat g { } }\n"
                               "profile \"two words\" { }\n";
    CLEANUP(apparmor_file_cleanup) ApparmorFile *file = NULL;
    Error err = {0};
    static const char *const names[] = {"/usr/bin/{a,b}", "/usr/bin/{a,b}//h", "/usr/bin/{a,b}//c",
                                        "/usr/bin/{a,b}//g", "two words"};

    ck_assert_msg(parse(text, &file, &err) == 0, "%s", err.text);
    ck_assert(apparmor_detect(text, strlen(text)));
    ck_assert_uint_eq(apparmor_profiles_count(file), ARRAY_LENGTH(names));
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        ck_assert_str_eq(apparmor_profile(file, i)->name, names[i]);
    ck_assert(apparmor_profile(file, 1)->hat && !apparmor_profile(file, 2)->hat);
    ck_assert_str_eq(apparmor_profile(file, 2)->xattrs, "(user.x=\"y\")");
    ck_assert_ptr_eq(apparmor_counterpart(file, apparmor_profile(file, 3)),
                     apparmor_profile(file, 3));
    ck_assert(!apparmor_detect("whittle: policy\n", 16));
    ck_assert(!apparmor_detect("{\"a\": 1}", 8));
}
END_TEST

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[200];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(test_includes)
{
    char folder[] = "/tmp/whittle-read-XXXXXX", path[64];
    const char *const folders[] = {mkdtemp(folder)};
    const ApparmorReadOptions options = {
        .include = folders, .include_count = 1, .missing_includes = true};
    static const char text[] = "include <tunables>\nprofile p {\n #include <rules.d>\n"
                               " include <gone>\n include <rules.d/1> }\n";
    static const char *const names[] = {"tunables", "rules.d/1", "rules.d/2", "rules.d/2~",
                                        "rules.d/bad"};
    CLEANUP(apparmor_file_cleanup) ApparmorFile *file = NULL;
    Error err = {0};

    ck_assert_ptr_nonnull(folders[0]);
    (void)snprintf(path, sizeof path, "%s/rules.d", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    write_text(folder, names[0], "@{V}=v\n");
    write_text(folder, names[1], "/1/@{V} r,\n");
    write_text(folder, names[2], "include <rules.d/1>\ninclude <rules.d>\n/2 r,");
    write_text(folder, names[3], "nonsense");
    ck_assert_msg(apparmor_parse("f", text, strlen(text), &options, &file, &err) == 0, "%s",
                  err.text);
    ck_assert_uint_eq(apparmor_profile(file, 0)->rules_count, 2);
    ck_assert_str_eq(apparmor_profile(file, 0)->rules[0].fields[0].patterns[0], "/1/v");
    ck_assert_uint_eq(apparmor_missing_count(file), 1);
    ck_assert_str_eq(apparmor_missing(file, 0), "gone");
    file = apparmor_file_free(file);
    write_text(folder, names[4], "\n  /3 q,\n");
    ck_assert_int_eq(apparmor_parse("f", text, strlen(text), &options, &file, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "/rules.d/bad:2:6: expected permissions"));
    for (size_t i = ARRAY_LENGTH(names); i-- > 0;) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        ck_assert_int_eq(unlink(path), 0);
    }
    (void)snprintf(path, sizeof path, "%s/rules.d", folder);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

static const struct {
    const char *old;
    const char *fresh;
    const char *wanted; /* "LINE-TEXT|ACCESS|WITNESS;" or the text of a change without a rule */
} changes[] = {
    {"/a/** r,", "/a/*/b r,", ""},
    {"/a/*/b r,", "/a/** rw,", "/a/** rw,|r,w|/a/x;"},
    {"/a w,", "/a a,", ""},
    {"/a a,", "/a w,", "/a w,|w|/a;"},
    {"/a ix,", "/a px,", "/a px,|x|/a;"},
    {"/a px -> b,", "/a px -> c,", "/a px -> c,|x|/a;"},
    {"/** ix,", "/** ix,\n/bin/a ux,", "/bin/a ux,|x|/bin/a;"},
    {"/bin/* ix,", "/bin/a ix,", ""},
    {"/a px,", "/a pix,", "/a pix,|x|/a;"},
    {"/a r,", "/a l,", "/a l,|l|/a;"},
    {"/a l,", "link /a -> /b,", "link /a -> /b,|l|/a /b;"},
    {"/a l,", "link subset /a -> /b,", ""},
    {"capability,", "capability chown,", ""},
    {"capability chown,", "capability chown fowner,", "capability chown fowner,|use|fowner;"},
    {"deny capability chown,\ncapability,", "capability,", "capability,|use|chown;"},
    {"network inet,", "network inet stream,", ""},
    {"network inet stream,", "network tcp,", "network tcp,|create|inet6 stream;"},
    {"signal (send) set=term,", "signal (send) set=(term) peer=x,", ""},
    {"signal (send) peer=x,", "signal (send),", "signal (send),|send|;"},
    {"mount options=(ro) /a -> /b,", "mount /a -> /b,", "mount /a -> /b,|mount|/a /b rw;"},
    {"mount /a -> /b,", "mount options=(ro,nosuid) /a -> /b,", ""},
    {"mount options=(rw) -> /b,", "mount options=(bind) /a -> /b,",
     "mount options=(bind) /a -> /b,|mount|/a /b rw,bind;"},
    {"set rlimit nofile <= 10,", "", "no longer: set rlimit nofile <= 10,;"},
    {"", "set rlimit nofile <= 10,", ""},
    {"set rlimit nofile <= 10,", "set rlimit nofile <= 9,", ""},
    {"set rlimit nofile <= infinity,", "set rlimit nofile <= 9,", ""},
    {"set rlimit nofile <= 9,", "set rlimit nofile <= 10,",
     "another limit than before: set rlimit nofile <= 9,;"},
    {"set rlimit as <= 9 MB,", "set rlimit as <= 1 GB,",
     "another limit than before: set rlimit as <= 9 MB,;"},
    {"", "userns,", "userns,|create|;"},
    {"userns,", "userns,", ""},
    {"owner /a r,", "/a r,", "/a r,|r|/a not owned;"},
    {"", "owner /a r,", "owner /a r,|r|/a owned;"},
};

static ApparmorFile *parse_rules(const char *rest)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    ApparmorFile *file = NULL;
    Error err = {0};

    (void)buffer_printf(&text, "profile p {\n%s\n}\n", rest);
    ck_assert_msg(parse(buffer_text(&text), &file, &err) == 0, "%s", err.text);
    return file;
}

static void print_change(const ApparmorChange *change, Buffer *out)
{
    static const char *const who[] = {"", " owned", " not owned"};
    const char *separator = "";

    if (change->text) {
        (void)buffer_printf(out, "%s;", change->text);
        return;
    }
    (void)buffer_printf(out, "%s|", change->rule->text);
    for (unsigned bit = 0; bit < 32; bit++) {
        /* Of a socket's many the first will do. */
        if ((change->access >> bit & 1) == 0 ||
            (change->rule->class == APPARMOR_NETWORK && bit > 0))
            continue;
        (void)buffer_printf(out, "%s%s", separator, apparmor_access_name(change->rule->class, bit));
        separator = ",";
    }
    (void)buffer_printf(out, "|%s%s;", change->witness, who[change->who]);
}

START_TEST(test_compare)
{
    CLEANUP(apparmor_file_cleanup) ApparmorFile *old = parse_rules(changes[_i].old);
    CLEANUP(apparmor_file_cleanup) ApparmorFile *fresh = parse_rules(changes[_i].fresh);
    CLEANUP(apparmor_changes_cleanup) ApparmorChanges *found = NULL;
    CLEANUP(buffer_deinit) Buffer got = BUFFER_INIT;
    Error err = {0};

    ck_assert_msg(
        apparmor_compare(apparmor_profile(old, 0), apparmor_profile(fresh, 0), &found, &err) == 0,
        "%s", err.text);
    for (size_t i = 0; i < apparmor_changes_count(found); i++)
        print_change(apparmor_change(found, i), &got);
    ck_assert_str_eq(buffer_text(&got), changes[_i].wanted);
}
END_TEST

/* More ways to execute than there are bits. */
START_TEST(test_many_ways)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(apparmor_changes_cleanup) ApparmorChanges *found = NULL;
    CLEANUP(apparmor_changes_cleanup) ApparmorChanges *none = NULL;

    (void)buffer_puts(&text, "/** ix,\n");
    for (int i = 0; i < 60; i++)
        (void)buffer_printf(&text, "/bin/%d px -> p%d,\n", i, i);
    CLEANUP(apparmor_file_cleanup) ApparmorFile *old = parse_rules("/** ix,");
    CLEANUP(apparmor_file_cleanup) ApparmorFile *fresh = parse_rules(buffer_text(&text));
    ck_assert_int_eq(
        apparmor_compare(apparmor_profile(old, 0), apparmor_profile(fresh, 0), &found, NULL), 0);
    ck_assert_uint_eq(apparmor_changes_count(found), 60);
    ck_assert_int_eq(
        apparmor_compare(apparmor_profile(fresh, 0), apparmor_profile(fresh, 0), &none, NULL), 0);
    ck_assert_uint_eq(apparmor_changes_count(none), 0);
}
END_TEST

START_TEST(test_profile_changes)
{
    static const char first[] = "profile p /a { }",
                      second[] = "profile p /{a,b} flags=(complain) { }";
    CLEANUP(apparmor_file_cleanup) ApparmorFile *old = NULL;
    CLEANUP(apparmor_file_cleanup) ApparmorFile *fresh = NULL;
    CLEANUP(apparmor_changes_cleanup) ApparmorChanges *found = NULL;
    CLEANUP(apparmor_changes_cleanup) ApparmorChanges *gone = NULL;

    ck_assert_int_eq(parse(first, &old, NULL), 0);
    ck_assert_int_eq(parse(second, &fresh, NULL), 0);
    ck_assert_int_eq(
        apparmor_compare(apparmor_profile(old, 0), apparmor_profile(fresh, 0), &found, NULL), 0);
    ck_assert_uint_eq(apparmor_changes_count(found), 2);
    ck_assert_str_eq(apparmor_change(found, 0)->text,
                     "flag complain: nothing is enforced any more, only logged");
    ck_assert_str_eq(apparmor_change(found, 1)->text, "is for more programs, like /b");
    ck_assert_int_eq(apparmor_compare(apparmor_profile(old, 0), NULL, &gone, NULL), 0);
    ck_assert_uint_eq(apparmor_changes_count(gone), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("apparmor read");

    suite_add(suite, "rules", test_rule, ARRAY_LENGTH(rules));
    suite_add(suite, "bad", test_bad, ARRAY_LENGTH(bad));
    suite_add(suite, "bounds", test_bounds, 1);
    suite_add(suite, "profiles", test_profiles, 1);
    suite_add(suite, "includes", test_includes, 1);
    suite_add(suite, "compare", test_compare, ARRAY_LENGTH(changes));
    suite_add(suite, "many ways", test_many_ways, 1);
    suite_add(suite, "profile changes", test_profile_changes, 1);
    return suite_run(suite);
}
