/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generator/explain: what a word is taken as, which facts it finds, and which rules. What is
 * printed is held against tests/golden/explain; WHITTLE_GOLDEN_UPDATE=1 in the environment writes
 * that anew.
 */
#include "base/io.h"
#include "base/memory.h"
#include "generator/explain.h"
#include "suite.h"

#include <errno.h>

#define SERVER "tests/golden/generate/server"
#define POLICY SERVER "/policy.yaml"

enum { BOTH, RECORDING, POLICY_ONLY };

static void input_init(ExplainInput *input, int sources)
{
    Error err = {0};
    int r = 0;

    *input = (ExplainInput){.recording = NULL};
    if (sources != RECORDING)
        r = explain_input_add(input, SERVER, &err);
    if (r == 0 && sources != POLICY_ONLY)
        r = explain_input_add(input, SERVER "/recording.jsonl", &err);
    if (r == 0)
        r = explain_input_finish(input, &err);
    ck_assert_msg(r == 0, "%s", err.text);
}

static void describe(const ExplainInput *input, const Explanation *explanation, Buffer *out)
{
    (void)buffer_printf(out, "%s %s %zu%s\n", explain_kind_name(explanation->kind),
                        buffer_text(&explanation->what), explanation->facts_count,
                        explanation->stand_in ? " instead" : "");
    for (size_t i = 0; i < explanation->rules_count; i++) {
        const ExplainedRule *found = &explanation->rules[i];
        if (input->policy_path)
            (void)buffer_printf(out, "%zu: ", found->place->line);
        (void)policy_rule_print(&found->place->rule, out);
        (void)buffer_printf(out, " %s %zu\n", found->origin, found->facts);
    }
}

static const struct {
    const char *what;
    const char *kind; /* NULL: not told */
    int sources;
    const char *wanted;
    const char *also; /* a kind; NULL none */
} rows[] = {
    /* calls */
    {"accept4", NULL, RECORDING, "call accept4 1\naccept4 observed 1\n", NULL},
    {"accept4", NULL, BOTH, "call accept4 1\n12: accept4 observed 1\n", NULL},
    {"accept4", NULL, POLICY_ONLY, "call accept4 0\n12: accept4 unknown 0\n", NULL},
    {"socket", NULL, BOTH,
     "call socket 3\n35: socket 0=AF_UNIX 1=SOCK_DGRAM 2=0 observed 1\n"
     "36: socket 0=AF_INET 1=SOCK_STREAM 2=0 observed 1\n"
     "37: socket 0=AF_INET 1=SOCK_STREAM 2=6 observed 1\n",
     "network"},
    {"restart_syscall", NULL, BOTH,
     "call restart_syscall 2 instead\n29: restart_syscall baseline 0\n", NULL},
    {"write", NULL, BOTH, "call write 1\n39: write observed 1\n", NULL},
    {"socket 0=AF_INET 1=SOCK_STREAM 2=6", NULL, BOTH,
     "rule socket 0=AF_INET 1=SOCK_STREAM 2=6 1\n"
     "37: socket 0=AF_INET 1=SOCK_STREAM 2=6 observed 1\n",
     NULL},
    /* lines */
    {"policy.yaml:36", NULL, BOTH,
     "line " POLICY ":36 1\n36: socket 0=AF_INET 1=SOCK_STREAM 2=0 observed 1\n", NULL},
    {POLICY ":12", NULL, BOTH, "line " POLICY ":12 1\n12: accept4 observed 1\n", NULL},
    {"12", "line", BOTH, "line " POLICY ":12 1\n12: accept4 observed 1\n", NULL},
    {"policy.yaml:12:5", NULL, BOTH, "line " POLICY ":12 1\n12: accept4 observed 1\n", NULL},
    {"./server/policy.yaml:12", NULL, BOTH, "line " POLICY ":12 1\n12: accept4 observed 1\n", NULL},
    {"/home/x/" POLICY ":12", NULL, BOTH, "line " POLICY ":12 1\n12: accept4 observed 1\n", NULL},
    {"policy.yaml:30", NULL, POLICY_ONLY, "line " POLICY ":30 0\n30: rt_sigaction unknown 0\n",
     NULL},
    {"policy.yaml:7", NULL, BOTH, "line " POLICY ":7 0\n", NULL},
    {"policy.yaml:10", NULL, BOTH, "line " POLICY ":10 0\n", NULL},
    {"policy.yaml:80", NULL, BOTH,
     "line " POLICY ":80 1\n60: owner /tmp/upload w observed 1\n80: /tmp observed 1\n", NULL},
    /* paths */
    {"/srv/www/index.html", NULL, BOTH,
     "path /srv/www/index.html 1\n59: /srv/www/index.html r observed 1\n", NULL},
    {"/srv/www/", NULL, BOTH, "path /srv/www 1\n58: /srv/www/ r observed 1\n", NULL},
    {"/proc/4711/stat", NULL, RECORDING,
     "path /proc/[pid]/stat 1\n/proc/@{pid}/stat r generalised 1\n", NULL},
    {"/srv/**", NULL, BOTH,
     "glob /srv/** 3\n58: /srv/www/ r observed 1\n59: /srv/www/index.html r observed 1\n", NULL},
    {"/srv/*", NULL, BOTH, "glob /srv/* 1\n58: /srv/www/ r observed 1\n", NULL},
    /* all else */
    {"CAP_CHOWN", NULL, BOTH, "capability CAP_CHOWN 1\n43: CAP_CHOWN observed 1\n", NULL},
    {"net_bind_service", NULL, BOTH,
     "capability CAP_NET_BIND_SERVICE 1\n44: CAP_NET_BIND_SERVICE observed 1\n", NULL},
    {"setuid", NULL, BOTH, "call setuid 1\n34: setuid observed 1\n", "capability"},
    {"setuid", "capability", BOTH, "capability CAP_SETUID 1\n46: CAP_SETUID observed 1\n", NULL},
    {"tcp/80", NULL, BOTH, "port tcp/80 1\n69: inet stream observed 1\n", NULL},
    {":80", NULL, RECORDING, "port 80 1\ninet stream observed 1\n", NULL},
    {"80/tcp", NULL, RECORDING, "port tcp/80 1\ninet stream observed 1\n", NULL},
    {"SIGTERM", NULL, BOTH, "signal SIGTERM 1\n76: SIGTERM child observed 1\n", NULL},
    {"term", "signal", BOTH, NULL, NULL},
    {"TERM", "signal", BOTH, "signal SIGTERM 1\n76: SIGTERM child observed 1\n", NULL},
    {"SIGUSR1 self", NULL, BOTH, "rule SIGUSR1 self 1\n77: SIGUSR1 self observed 1\n", NULL},
    /* lines as they stand elsewhere */
    {"  - accept4", NULL, BOTH, "line " POLICY ":12 1\n12: accept4 observed 1\n", NULL},
    {"- accept4 ", NULL, RECORDING, "call accept4 1\naccept4 observed 1\n", NULL},
    {"capability setuid,", NULL, BOTH, "capability CAP_SETUID 1\n46: CAP_SETUID observed 1\n",
     NULL},
    {"  /srv/www/index.html r, # why", NULL, BOTH,
     "rule /srv/www/index.html r 1\n59: /srv/www/index.html r observed 1\n", NULL},
    {"owner \"/tmp/upload\" w,", NULL, BOTH,
     "rule owner /tmp/upload w 1\n60: owner /tmp/upload w observed 1\n80: /tmp observed 1\n", NULL},
    {"network inet stream,", NULL, BOTH, "rule inet stream 2\n69: inet stream observed 2\n", NULL},
    {"signal (send, receive) set=(term) peer=@{profile_name},", NULL, BOTH,
     "signal SIGTERM 1\n76: SIGTERM child observed 1\n", NULL},
    {"signal (send, receive) peer=@{profile_name},", NULL, RECORDING,
     "signal any 2\nSIGTERM child observed 1\nSIGUSR1 self observed 1\n", NULL},
    {"\"accept4\",", NULL, BOTH, "call accept4 1\n12: accept4 observed 1\n", NULL},
    {"no-new-privileges: false", NULL, BOTH, "line " POLICY ":8 0\n", NULL},
    {"no-new-privileges", NULL, BOTH, "line " POLICY ":8 0\n", NULL},
    /* calls as strace writes them */
    {"socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3", NULL, BOTH,
     "rule socket 0=AF_INET 1=SOCK_STREAM 2\n"
     "36: socket 0=AF_INET 1=SOCK_STREAM 2=0 observed 1\n"
     "37: socket 0=AF_INET 1=SOCK_STREAM 2=6 observed 1\n",
     NULL},
    {"openat(AT_FDCWD, \"/srv/www/index.html\", O_RDONLY) = 5", NULL, BOTH,
     "path /srv/www/index.html 1\n59: /srv/www/index.html r observed 1\n", NULL},
    {"accept4(5, NULL, NULL, SOCK_CLOEXEC)", NULL, BOTH, "call accept4 1\n12: accept4 observed 1\n",
     NULL},
    {"bind(5, {sa_family=AF_INET, sin_port=htons(80)}, 16) = 0", NULL, BOTH,
     "port 80 1\n69: inet stream observed 1\n", NULL},
    {"accept4 whatever", NULL, BOTH, "call accept4 1\n12: accept4 observed 1\n", NULL},
    {"0.0.0.0:80", NULL, BOTH, "port 80 1\n69: inet stream observed 1\n", NULL},
    {"[::]:80", NULL, BOTH, "port 80 1\n69: inet stream observed 1\n", NULL},
    /* nothing */
    {"socket(AF_ALG)", NULL, BOTH, NULL, NULL},
    {"capability fly,", NULL, BOTH, NULL, NULL},
    {"(", NULL, BOTH, NULL, NULL},
    {"- ", NULL, BOTH, NULL, NULL},
    {"\"", NULL, BOTH, NULL, NULL},
    {"opnat", NULL, BOTH, NULL, NULL},
    {"udp/80", NULL, BOTH, NULL, NULL},
    {"/srv/www/index.htm", NULL, BOTH, NULL, NULL},
    {"index.html", NULL, BOTH, NULL, NULL},
    {"policy.yaml:4000", NULL, BOTH, NULL, NULL},
    {"", NULL, BOTH, NULL, NULL},
};

START_TEST(test_rows)
{
    CLEANUP(explain_input_deinit) ExplainInput input;
    CLEANUP(explanation_deinit) Explanation explanation = {.facts = NULL};
    CLEANUP(buffer_deinit) Buffer got = BUFFER_INIT;
    const int kind = rows[_i].kind ? explain_kind_from_name(rows[_i].kind) : -1;
    Error err = {0};

    input_init(&input, rows[_i].sources);
    const int r = explain(&input, rows[_i].what, kind, &explanation, &err);
    ck_assert_msg(r >= 0, "%s", err.text);
    ck_assert_int_eq(r, rows[_i].wanted ? 0 : 1);
    if (!rows[_i].wanted)
        return;
    describe(&input, &explanation, &got);
    ck_assert_str_eq(buffer_text(&got), rows[_i].wanted);
    if (rows[_i].also)
        ck_assert_uint_ne(explanation.also >> explain_kind_from_name(rows[_i].also) & 1, 0);
}
END_TEST

static const struct {
    const char *what;
    const char *nearest;
} near[] = {
    {"opnat", "openat\n"},
    {"/srv/www/index.htm", "/srv/www/index.html\n"},
    {"index.html", "/srv/www/index.html\n"},
    {"/srv", "/srv/**\n"},
    {"CAP_CHWON", "CAP_CHOWN\n"},
    {"tcp/8", "tcp/80\n"},
    {"SIGTREM", "SIGTERM\n"},
    {"12", POLICY ":12\n"},
    {"socket(AF_ALG)", "socket\n"},
};

START_TEST(test_nearest)
{
    CLEANUP(explain_input_deinit) ExplainInput input;
    CLEANUP(explanation_deinit) Explanation explanation = {.facts = NULL};
    Error err = {0};

    input_init(&input, BOTH);
    ck_assert_int_eq(explain(&input, near[_i].what, -1, &explanation, &err), 1);
    ck_assert_msg(strstr(buffer_text(&explanation.nearest), near[_i].nearest), "%s: %s",
                  near[_i].what, buffer_text(&explanation.nearest));
}
END_TEST

/* A command that was looked for in many folders of PATH was there in the last one. */
START_TEST(test_nearest_was_there)
{
    CLEANUP(explain_input_deinit) ExplainInput input = {.recording = NULL};
    CLEANUP(explanation_deinit) Explanation explanation = {.facts = NULL};
    Error err = {0};
    int r = explain_input_add(&input, "tests/golden/explain/look-ups.jsonl", &err);

    if (r == 0)
        r = explain_input_finish(&input, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    ck_assert_int_eq(explain(&input, "tool", -1, &explanation, &err), 1);
    ck_assert_str_eq(buffer_text(&explanation.nearest),
                     "/usr/bin/tool\n/bin/tool\n/opt/a/tool\n/opt/b/tool\n/opt/c/tool\n");
}
END_TEST

static const struct {
    const char *what;
    const char *kind;
    int sources;
    const char *complaint;
} wrong[] = {
    {"policy.yaml:3", NULL, RECORDING, "name it first"},
    {"other.yaml:3", NULL, BOTH, "the policy that was named is"},
    {"client/policy.yaml:3", NULL, BOTH, "the policy that was named is"},
    {"rver/policy.yaml:3", NULL, BOTH, "the policy that was named is"},
    {"x", "line", BOTH, "is no line"},
    {"policy.yaml:0", "line", BOTH, "is no line"},
    {"x", "path", BOTH, "no absolute path"},
    {"/[", "glob", BOTH, "/["},
    {"fly", "capability", BOTH, "no capability"},
    {"65536", "port", BOTH, "no port"},
    {"inet", "rule", BOTH, NULL},
    {"/x", "rule", BOTH, NULL},
};

START_TEST(test_wrong)
{
    CLEANUP(explain_input_deinit) ExplainInput input;
    CLEANUP(explanation_deinit) Explanation explanation = {.facts = NULL};
    const int kind = wrong[_i].kind ? explain_kind_from_name(wrong[_i].kind) : -1;
    Error err = {0};

    input_init(&input, wrong[_i].sources);
    const int r = explain(&input, wrong[_i].what, kind, &explanation, &err);
    if (!wrong[_i].complaint) {
        ck_assert_int_ge(r, 0); /* of some section it is a rule */
        return;
    }
    ck_assert_int_eq(r, -EINVAL);
    ck_assert_msg(strstr(err.text, wrong[_i].complaint), "%s", err.text);
}
END_TEST

/* ---- text ----------------------------------------------------------------------------------- */

static const struct {
    const char *files[2]; /* NULL: no other */
    const char *what;
    const char *golden;
    bool all;
} pages[] = {
    {{SERVER, SERVER "/recording.jsonl"}, "policy.yaml:29", "baseline.txt", false},
    {{SERVER, SERVER "/recording.jsonl"}, "policy.yaml:6", "runtimes.txt", false},
    {{SERVER, NULL}, "/var/**", "no-recording.txt", false},
    {{"tests/golden/recording/every-kind.jsonl", NULL}, "/**", "every-kind.txt", true},
    {{"tests/golden/recording/every-kind.jsonl", NULL},
     "CAP_NET_BIND_SERVICE",
     "capability.txt",
     false},
    {{"tests/golden/recording/two-runs.jsonl", NULL}, "/**", "two-runs.txt", false},
    {{"tests/golden/generate/paths", "tests/golden/generate/paths/recording.jsonl"},
     "/tmp/**",
     "paths.txt",
     false},
};

START_TEST(test_pages)
{
    CLEANUP(explain_input_deinit) ExplainInput input = {.recording = NULL};
    CLEANUP(explanation_deinit) Explanation explanation = {.facts = NULL};
    CLEANUP(buffer_deinit) Buffer got = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer wanted = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer golden = BUFFER_INIT;
    const ExplainStyle style = {.all = pages[_i].all, .bold = "", .dim = "", .plain = ""};
    Error err = {0};
    int r = explain_input_add(&input, pages[_i].files[0], &err);

    if (r == 0 && pages[_i].files[1])
        r = explain_input_add_recording(&input, pages[_i].files[1], &err);
    if (r == 0)
        r = explain_input_finish(&input, &err);
    if (r == 0)
        r = explain(&input, pages[_i].what, -1, &explanation, &err);
    ck_assert_msg(r == 0, "%d: %s", r, err.text);
    ck_assert_int_eq(explain_print_text(&input, &explanation, &style, &got), 0);
    ck_assert_int_eq(buffer_printf(&golden, "tests/golden/explain/%s", pages[_i].golden), 0);
    if (getenv("WHITTLE_GOLDEN_UPDATE"))
        ck_assert_int_eq(write_file_atomic(buffer_text(&golden), got.data, got.length, &err), 0);
    ck_assert_msg(read_file(buffer_text(&golden), &wanted, 1 << 20, &err) == 0, "%s", err.text);
    ck_assert_str_eq(buffer_text(&got), buffer_text(&wanted));
}
END_TEST

/* A reviewer asks of each line with a rule: a fact, or why there is none. */
START_TEST(test_every_line)
{
    CLEANUP(explain_input_deinit) ExplainInput input;

    input_init(&input, BOTH);
    ck_assert_uint_gt(policy_text_places_count(input.policy), 50);
    for (size_t i = 0; i < policy_text_places_count(input.policy); i++) {
        CLEANUP(explanation_deinit) Explanation explanation = {.facts = NULL};
        CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
        CLEANUP(buffer_deinit) Buffer what = BUFFER_INIT;
        const ExplainStyle style = {.bold = "", .dim = "", .plain = ""};
        Error err = {0};

        (void)buffer_printf(&what, "policy.yaml:%zu", policy_text_place(input.policy, i)->line);
        ck_assert_int_eq(explain(&input, buffer_text(&what), -1, &explanation, &err), 0);
        ck_assert_msg(explanation.facts_count > 0, "%s", buffer_text(&what));
        ck_assert_int_eq(explain_print_text(&input, &explanation, &style, &out), 0);
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "rules about it"));
        ck_assert_ptr_null(strstr(buffer_text(&out), "written by hand"));
    }
}
END_TEST

/* What nobody needed is told as such, by hand or from elsewhere. */
START_TEST(test_by_hand)
{
    static const char text[] =
        "whittle: policy\nformat: 1\nsyscalls:\n  - rule: reboot\n"
        "    reason: wanted\nfiles: [/a/** r, {rule: /srv/** r, deny: true}]\n";
    CLEANUP(explain_input_deinit) ExplainInput input = {.recording = NULL};
    CLEANUP(explanation_deinit) Explanation explanation = {.facts = NULL};
    CLEANUP(explanation_deinit) Explanation denied = {.facts = NULL};
    CLEANUP(buffer_deinit) Buffer got = BUFFER_INIT;
    Error err = {0};

    ck_assert_int_eq(explain_input_add(&input, SERVER "/recording.jsonl", &err), 0);
    ck_assert_int_eq(policy_text_parse("p", text, sizeof text - 1, &input.policy, &err), 0);
    input.policy_path = strdup("p");
    ck_assert_int_eq(buffer_puts(&input.policy_bytes, text), 0);
    ck_assert_int_eq(explain_input_finish(&input, &err), 0);
    ck_assert_int_eq(explain(&input, "p:5", -1, &explanation, &err), 0);
    ck_assert_int_eq(explain(&input, "/srv/www/index.html", -1, &denied, &err), 0);
    describe(&input, &explanation, &got);
    describe(&input, &denied, &got);
    ck_assert_str_eq(buffer_text(&got), "line p:5 0\n4: reboot not-seen 0\n"
                                        "path /srv/www/index.html 1\n6: /srv/** r generalised 1\n");
}
END_TEST

/* A pattern that nothing of what was asked for needs, but something else. */
START_TEST(test_others)
{
    static const char text[] = "whittle: policy\nformat: 1\nfiles: [/srv/** r]\n";
    CLEANUP(explain_input_deinit) ExplainInput input = {.recording = NULL};
    CLEANUP(explanation_deinit) Explanation explanation = {.facts = NULL};
    CLEANUP(buffer_deinit) Buffer page = BUFFER_INIT;
    const ExplainStyle style = {.bold = "", .dim = "", .plain = ""};
    Error err = {0};

    ck_assert_int_eq(explain_input_add(&input, SERVER "/recording.jsonl", &err), 0);
    ck_assert_int_eq(policy_text_parse("p", text, sizeof text - 1, &input.policy, &err), 0);
    input.policy_path = strdup("p");
    ck_assert_int_eq(buffer_puts(&input.policy_bytes, text), 0);
    ck_assert_int_eq(explain_input_finish(&input, &err), 0);
    ck_assert_int_eq(explain(&input, "/srv/never-seen", -1, &explanation, &err), 0);
    ck_assert_uint_eq(explanation.rules_count, 1);
    ck_assert_uint_eq(explanation.rules[0].facts, 0);
    ck_assert_uint_gt(explanation.rules[0].others, 0);
    ck_assert_str_eq(explanation.rules[0].origin, "generalised");
    ck_assert_int_eq(explain_print_text(&input, &explanation, &style, &page), 0);
    ck_assert_ptr_nonnull(strstr(buffer_text(&page), "other facts of the recording need it"));
    ck_assert_ptr_null(strstr(buffer_text(&page), "nothing in the recording needs it"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explain");

    suite_add(suite, "rows", test_rows, ARRAY_LENGTH(rows));
    suite_add(suite, "nearest", test_nearest, ARRAY_LENGTH(near));
    suite_add(suite, "nearest was there", test_nearest_was_there, 1);
    suite_add(suite, "wrong", test_wrong, ARRAY_LENGTH(wrong));
    suite_add(suite, "pages", test_pages, ARRAY_LENGTH(pages));
    suite_add(suite, "every line", test_every_line, 1);
    suite_add(suite, "by hand", test_by_hand, 1);
    suite_add(suite, "others", test_others, 1);
    return suite_run(suite);
}
