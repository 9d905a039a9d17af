/* SPDX-License-Identifier: Apache-2.0 */
/* src/model/recording: its file format, with well-formed and hostile files. */
#include "base/escape.h"
#include "base/io.h"
#include "base/memory.h"
#include "recording_maker.h"
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- the file format ------------------------------------------------------------------------ */

static Recording *parse(const char *text, size_t length)
{
    Recording *recording = NULL;
    Error err = {0};

    ck_assert_msg(recording_parse("test", text, length, &recording, &err) == 0, "%s", err.text);
    return recording;
}

static void print(Recording *recording, Buffer *out)
{
    buffer_clear(out);
    ck_assert_int_eq(recording_print(recording, out), 0);
}

static const char *const golden[] = {
    "tests/golden/recording/every-kind.jsonl",
    "tests/golden/recording/two-runs.jsonl",
    "tests/golden/recording/no-runs.jsonl",
};

START_TEST(test_canonical)
{
    CLEANUP(buffer_deinit) Buffer in = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};

    ck_assert_msg(read_file(golden[_i], &in, 1 << 20, &err) == 0, "%s", err.text);
    CLEANUP(recording_cleanup) Recording *recording = parse(in.data, in.length);
    print(recording, &out);
    ck_assert_str_eq(buffer_text(&out), buffer_text(&in));
    ck_assert(recording_detect(in.data, in.length));

    CLEANUP(recording_cleanup) Recording *read = NULL;
    ck_assert_int_eq(recording_read(golden[_i], &read, &err), 0);
    print(read, &out);
    ck_assert_str_eq(buffer_text(&out), buffer_text(&in));
}
END_TEST

#define HEADER "{\"whittle\":\"recording\",\"format\":1,\"runs\":[{\"id\":\"r\"}]}\n"

/*
 * Lines that repeat others in all but the name and the count are read without taking them apart;
 * with a tab in them they are not. Both ways make the same recording.
 */
START_TEST(test_repeats)
{
    static const char *const names[] = {"/a",        "/b",    "/c d", "/e\\", "/f\"",
                                        "/\xc3\xa9", "/\x01", "",     "/a"};
    static const char *const tails[] = {
        ",\"phase\":\"run\",\"count\":1,\"results\":[\"ok\"],\"origin\":\"observed\"}",
        ",\"phase\":\"run\",\"count\":2,\"results\":[\"ok\"],\"origin\":\"observed\"}",
        ",\"subject\":\"/"
        "s\",\"phase\":\"run\",\"count\":1,\"predicted\":true,\"origin\":\"inferred\","
        "\"rule\":\"r\",\"first\":{\"command\":\"c\",\"stack\":[\"/a+0x1 "
        "f\",\"[cut]\"]},\"labels\":[\"l\"]}",
        ",\"phase\":\"exec\",\"count\":1,\"origin\":\"observed\",\"labels\":[\"l\",\"m\"]}",
        ", \"phase\": \"run\", \"count\": 31, \"origin\": \"observed\"}",
        ", \"phase\": \"run\", \"count\": 5, \"origin\": \"observed\"}",
        /* not the line's own count; and where that does not hold */
        ",\"later\":{\"count\":41},\"subject\":\"4\",\"phase\":\"run\",\"count\":41,\"origin\":"
        "\"observed\"}",
        ",\"later\":{\"count\":43},\"subject\":\"4\",\"phase\":\"run\",\"count\":41,\"origin\":"
        "\"observed\"}",
        ",\"subject\":\"5\",\"phase\":\"run\",\"count\":51,\"origin\":\"observed\",\"runs\":[[0,51]"
        "]}",
        ",\"subject\":\"5\",\"phase\":\"run\",\"count\":53,\"origin\":\"observed\",\"runs\":[[0,51]"
        "]}",
        ",\"phase\":\"run\",\"count\":123456789012345678,\"origin\":\"observed\",\"subject\":"
        "\"2\"}",
        ",\"phase\":\"run\",\"count\":123456789012345679,\"origin\":\"observed\",\"subject\":"
        "\"2\"}",
        ",\"phase\":\"run\",\"count\":0,\"origin\":\"observed\",\"subject\":\"3\"}",
        ",\"phase\":\"run\",\"count\":10,\"origin\":\"observed\",\"subject\":\"3\",\"labels\":["
        "\"l\"]}",
        ",\"phase\":\"run\",\"count\":11,\"origin\":\"observed\",\"subject\":\"3\",\"labels\":["
        "\"l\"]}",
    };
    CLEANUP(buffer_deinit) Buffer quick = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer slow = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer first = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer second = BUFFER_INIT;

    (void)buffer_puts(&quick, HEADER);
    (void)buffer_puts(&slow, HEADER);
    for (size_t i = 0; i < ARRAY_LENGTH(names) * ARRAY_LENGTH(tails) * 2; i++) {
        CLEANUP(buffer_deinit) Buffer name = BUFFER_INIT;
        const char *kind = i < ARRAY_LENGTH(names) * ARRAY_LENGTH(tails) ? "exec" : "io_uring";
        const char *text = names[i % ARRAY_LENGTH(names)];
        const size_t which = i / ARRAY_LENGTH(names) % ARRAY_LENGTH(tails);
        const char *tail = tails[which];
        CLEANUP(buffer_deinit) Buffer quoted = BUFFER_INIT;
        (void)escape_append(&name, text, strlen(text));
        if (which >= 4) /* no name that was there before */
            (void)buffer_printf(&name, "%zu", which);
        for (const char *c = buffer_text(&name); *c; c++)
            (void)buffer_printf(&quoted, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        (void)buffer_printf(&quick, "{\"kind\":\"%s\",\"name\":\"%s\"%s\n", kind,
                            buffer_text(&quoted), tail);
        (void)buffer_printf(&slow, "{\"kind\":\t\"%s\",\"name\":\"%s\"%s\n", kind,
                            buffer_text(&quoted), tail);
    }
    CLEANUP(recording_cleanup) Recording *one = parse(quick.data, quick.length);
    CLEANUP(recording_cleanup) Recording *other = parse(slow.data, slow.length);
    print(one, &first);
    print(other, &second);
    ck_assert_uint_eq(recording_facts_count(one), 8 * (3 + 11) * 2);
    ck_assert_str_eq(buffer_text(&first), buffer_text(&second));
}
END_TEST

START_TEST(test_read_errors)
{
    Recording *recording = NULL;
    Error err = {0};

    ck_assert_int_eq(recording_read("tests/golden/no-such-file", &recording, &err), -ENOENT);
    ck_assert_int_eq(recording_read("/dev/null", &recording, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "empty"));
    ck_assert_int_eq(recording_read("tests", &recording, &err), -EISDIR);
    ck_assert_ptr_null(recording);
}
END_TEST

#define FOOTER "{\"footer\":true,\"facts\":1,\"runs\":[{\"complete\":true}]}\n"
#define FACT(rest)                                                                                 \
    "{\"kind\":\"exec\",\"name\":\"/x\",\"phase\":\"run\",\"origin\":\"observed\"" rest "}\n"

/* A journal: facts told again with a higher count, and keys that a later version may add. */
START_TEST(test_journal)
{
    static const char text[] = HEADER FACT(",\"count\":1,\"labels\":[\"b\"],\"results\":[\"ok\"]")
        FACT(",\"count\":9,\"labels\":[\"a\"],\"results\":[\"ENOTSUP\"],\"future\":{\"x\":[1]}")
            FACT(",\"count\":5") FOOTER;
    CLEANUP(recording_cleanup) Recording *recording = parse(text, strlen(text));

    ck_assert_uint_eq(recording_facts_count(recording), 1);
    Fact view;
    const Fact *fact = recording_fact(recording, 0, &view);
    ck_assert_uint_eq(fact_count(fact), 9);
    ck_assert_uint_eq(fact->labels_count, 2);
    ck_assert(results_has(&fact->results, RESULT_OK) && results_has(&fact->results, EOPNOTSUPP));
    ck_assert(recording_is_complete(recording));
}
END_TEST

/* Cut anywhere, a file gives the facts of its whole lines, and says that it is not complete. */
START_TEST(test_cut_anywhere)
{
    static const char text[] = HEADER FACT(",\"count\":1") FOOTER;
    const size_t header = strlen(HEADER);
    const size_t fact = header + strlen(FACT(",\"count\":1"));

    for (size_t length = 0; length < strlen(text); length++) {
        Recording *recording = NULL;
        Error err = {0};
        CLEANUP(free_pointer) char *exact = malloc(length + 1); /* so that ASan sees the end */
        memcpy(exact, text, length);
        const int r = recording_parse("cut", exact, length, &recording, &err);
        if (length < header - 1) {
            ck_assert_int_eq(r, -EINVAL);
            ck_assert_ptr_null(recording);
            continue;
        }
        ck_assert_msg(r == 0, "%zu: %s", length, err.text);
        ck_assert_uint_eq(recording_facts_count(recording), length >= fact - 1);
        const bool whole = length == strlen(text) - 1; /* only the newline is missing */
        ck_assert_int_eq(recording_is_complete(recording), whole);
        ck_assert_uint_eq(recording_losses_count(recording), !whole);
        if (!whole)
            ck_assert_str_eq(recording_loss(recording, 0)->cause, "no-footer");
        recording_free(recording);
    }
}
END_TEST

/* What is wrong, and what the message must say. */
static const struct {
    const char *text;
    const char *says;
} bad[] = {
    {"", "empty"},
    {"\n", "line 1: this is not a recording"},
    {"hello\n", "line 1: this is not a recording"},
    {"[]\n", "line 1: not an object"},
    {"{}\n", "line 1: this is not a recording"},
    {"{\"whittle\":\"policy\"}\n", "line 1: this is not a recording"},
    {"{\"whittle\":\"recording\"}\n", "line 1: \"format\" is missing"},
    {"{\"whittle\":\"recording\",\"format\":2,\"runs\":[]}\n", "upgrade"},
    {"{\"whittle\":\"recording\",\"format\":-1,\"runs\":[]}\n", "\"format\" is not"},
    {"{\"whittle\":\"recording\",\"format\":1}\n", "\"runs\" is missing"},
    {"{\"whittle\":\"recording\",\"format\":1,\"runs\":{}}\n", "\"runs\" is not an array"},
    {"{\"whittle\":\"recording\",\"format\":1,\"runs\":[3]}\n", "a run is not an object"},
    {"{\"whittle\":\"recording\",\"format\":1,\"runs\":[{}]}\n", "\"id\""},
    {"{\"whittle\":\"recording\",\"format\":1,\"runs\":[{\"id\":\"a/b\"}]}\n", "\"id\""},
    {"{\"whittle\":\"recording\",\"format\":1,\"runs\":[{\"id\":\"a\"},{\"id\":\"a\"}]}\n",
     "twice"},
    {"{\"whittle\":\"recording\",\"format\":1,\"runs\":[{\"id\":\"a\",\"command\":[1]}]}\n",
     "\"command\" is not a string"},
    {HEADER "{\"kind\":\"exec\",\n" FOOTER, "line 2: damaged"},
    {HEADER "\n" FOOTER, "line 2: damaged"},
    {HEADER "[1]\n" FOOTER, "line 2: not an object"},
    {HEADER "{\"kind\":\"exec\",\"kind\":\"exec\"}\n", "line 2: damaged"},
    {HEADER "{}\n", "line 2: unknown kind"},
    {HEADER "{\"kind\":\"magic\"}\n", "unknown kind \"magic\""},
    {HEADER "{\"kind\":7}\n", "\"kind\" is not a string"},
    {HEADER "{\"kind\":\"exec\"}\n", "unknown phase"},
    {HEADER "{\"kind\":\"exec\",\"phase\":\"later\"}\n", "unknown phase \"later\""},
    {HEADER "{\"kind\":\"exec\",\"phase\":\"run\"}\n", "without \"name\""},
    {HEADER "{\"kind\":\"exec\",\"phase\":\"run\",\"name\":\"/x\"}\n", "\"origin\""},
    {HEADER "{\"kind\":\"exec\",\"phase\":\"run\",\"name\":\"/x\",\"origin\":\"guessed\"}\n",
     "\"origin\""},
    {HEADER "{\"kind\":\"exec\",\"phase\":\"run\",\"name\":\"/x\",\"origin\":\"inferred\"}\n",
     "\"rule\""},
    {HEADER FACT(",\"rule\":\"r\""), "\"rule\""},
    {HEADER FACT(",\"count\":-1"), "\"count\""},
    {HEADER FACT(",\"count\":1.5"), "\"count\""},
    {HEADER FACT(",\"count\":99999999999999999999999"), "line 2: damaged"},
    {HEADER FACT(",\"count\":\"1\""), "\"count\""},
    {HEADER FACT(",\"results\":[\"EWHATEVER\"]"), "unknown result \"EWHATEVER\""},
    {HEADER FACT(",\"results\":[\"errno-2\"]"), "unknown result"}, /* it has a name */
    {HEADER FACT(",\"results\":[\"errno-191\"]"), "unknown result"},
    {HEADER FACT(",\"results\":[\"errno-99999999999999999999\"]"), "unknown result"},
    {HEADER FACT(",\"results\":[2]"), "\"results\" is not a string"},
    {HEADER FACT(",\"results\":\"ok\""), "\"results\" is not an array"},
    {HEADER FACT(",\"predicted\":1"), "\"predicted\""},
    {HEADER FACT(",\"loaded_as\":true"), "\"loaded_as\" is not a string"},
    {HEADER FACT(",\"subject\":null"), "\"subject\" is not a string"},
    {HEADER FACT(",\"subject\":\"\\\\q\""), "backslash"},
    {HEADER FACT(",\"subject\":\"\\\\x00\""), "backslash"},
    {HEADER FACT(",\"subject\":\"\\u0000\""), "line 2: damaged"},
    {HEADER FACT(",\"subject\":\"\xff\""), "line 2: damaged"},
    {HEADER FACT(",\"first\":[]"), "\"first\" is not an object"},
    {HEADER FACT(",\"first\":{\"stack\":[\"\"]}"), "\"stack\" has a frame that is not one line"},
    {HEADER FACT(",\"first\":{\"stack\":[\"a\\\\x0ab\"]}"),
     "\"stack\" has a frame that is not one line"},
    {HEADER FACT(",\"first\":{\"stack\":{}}"), "\"stack\" is not an array"},
    {HEADER FACT(",\"first\":{\"ancestry\":[1]}"), "\"ancestry\" is not a string"},
    {HEADER FACT(",\"first\":{\"ancestry\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}"),
     "\"ancestry\" has more"},
    {HEADER FACT(",\"labels\":[[]]"), "\"labels\" is not a string"},
    {HEADER FACT(",\"runs\":[]"), "\"runs\" is empty"},
    {HEADER FACT(",\"runs\":[1]"), "pairs"},
    {HEADER FACT(",\"runs\":[[0]]"), "pairs"},
    {HEADER FACT(",\"runs\":[[0,-1]]"), "pairs"},
    {HEADER FACT(",\"runs\":[[1,1]]"), "no run 1"},
    {HEADER FACT(",\"runs\":[[4294967296,1]]"), "no run 4294967296"},
    {"{\"whittle\":\"recording\",\"format\":1,\"runs\":[]}\n" FACT(",\"count\":1"),
     "\"runs\" is missing"},
    {HEADER "{\"kind\":\"file\",\"name\":\"/x\",\"phase\":\"run\",\"access\":[\"fly\"]}\n",
     "unknown access \"fly\""},
    {HEADER "{\"kind\":\"file\",\"name\":\"/x\",\"phase\":\"run\",\"access\":\"read\"}\n",
     "\"access\" is not an array"},
    {HEADER "{\"kind\":\"file\",\"name\":\"/x\",\"phase\":\"run\",\"owner\":\"yes\"}\n",
     "\"owner\""},
    {HEADER "{\"kind\":\"network\",\"name\":\"bind\",\"phase\":\"run\",\"port\":\"80\"}\n",
     "\"port\" is not a whole number"},
    {HEADER "{\"kind\":\"syscall\",\"name\":\"x\",\"phase\":\"run\",\"args\":[{\"index\":6}]}\n",
     "\"index\""},
    {HEADER "{\"kind\":\"syscall\",\"name\":\"x\",\"phase\":\"run\",\"args\":[7]}\n", "\"index\""},
    {HEADER "{\"kind\":\"syscall\",\"name\":\"x\",\"phase\":\"run\",\"args\":[{\"index\":0}]}\n",
     "\"value\""},
    {HEADER "{\"kind\":\"syscall\",\"name\":\"x\",\"phase\":\"run\","
            "\"args\":[{\"index\":0,\"value\":\"0x\"}]}\n",
     "\"value\""},
    {HEADER "{\"kind\":\"syscall\",\"name\":\"x\",\"phase\":\"run\","
            "\"args\":[{\"index\":0,\"value\":\"0x11111111111111111\"}]}\n",
     "\"value\""},
    {HEADER FACT("") FOOTER FACT(""), "line 4: something follows"},
    {HEADER FOOTER, "1 facts, but there are 0"},
    {HEADER "{\"footer\":true,\"facts\":0,\"runs\":[]}\n", "as many"},
    {HEADER "{\"footer\":true,\"runs\":[{\"exit_status\":256}]}\n", "\"exit_status\""},
    {HEADER "{\"footer\":true,\"runs\":[{}],\"losses\":[{}]}\n", "\"cause\""},
    {HEADER "{\"footer\":true,\"runs\":[{}],\"losses\":[{\"cause\":\"x\",\"run\":1}]}\n", "run 1"},
};

START_TEST(test_bad)
{
    Recording *recording = NULL;
    Error err = {0};

    ck_assert_int_eq(recording_parse("bad", bad[_i].text, strlen(bad[_i].text), &recording, &err),
                     -EINVAL);
    ck_assert_ptr_null(recording);
    ck_assert_msg(strstr(err.text, bad[_i].says), "\"%s\" does not say \"%s\"", err.text,
                  bad[_i].says);
    ck_assert_ptr_nonnull(strstr(err.text, "bad: "));
}
END_TEST

static void fill(Buffer *out, char c, size_t count)
{
    CLEANUP(free_pointer) char *block = malloc(count);

    memset(block, c, count);
    ck_assert_int_eq(buffer_append(out, block, count), 0);
}

START_TEST(test_nul_and_depth)
{
    Recording *recording = NULL;
    CLEANUP(buffer_deinit) Buffer deep = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer large = BUFFER_INIT;

    ck_assert_int_eq(buffer_puts(&deep, HEADER), 0);
    ck_assert_int_eq(buffer_append(&deep, "{\0}\n", 4), 0);
    ck_assert_int_eq(recording_parse("nul", deep.data, deep.length, &recording, NULL), -EINVAL);

    buffer_clear(&deep);
    ck_assert_int_eq(buffer_puts(&deep, HEADER "{\"x\":"), 0);
    fill(&deep, '[', 1000000);
    ck_assert_int_eq(buffer_putc(&deep, '\n'), 0);
    ck_assert_int_eq(recording_parse("deep", deep.data, deep.length, &recording, NULL), -EINVAL);

    ck_assert_int_eq(buffer_puts(&large, HEADER FACT(",\"count\":1,\"subject\":\"")), 0);
    large.length -= 2;
    fill(&large, 'x', 65537);
    ck_assert_int_eq(buffer_puts(&large, "\"}\n"), 0);
    ck_assert_int_eq(recording_parse("text", large.data, large.length, &recording, NULL), -EINVAL);

    buffer_clear(&large);
    ck_assert_int_eq(buffer_puts(&large, HEADER), 0);
    fill(&large, ' ', (size_t)17 * 1024 * 1024);
    Error err = {0};
    ck_assert_int_eq(recording_parse("line", large.data, large.length, &recording, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "line 2: longer"));
    ck_assert_ptr_null(recording);
}
END_TEST

static const struct {
    const char *text;
    bool is;
} detected[] = {
    {"{\"whittle\":\"recording\"", true},
    {" {\n \"whittle\" : \"recording\", ", true},
    {"{\"whittle\":\"policy\"}", false},
    {"{\"whittle\":\"recordin", false},
    {"{", false},
    {"", false},
    {"whittle: 1\n", false},
};

START_TEST(test_detect)
{
    ck_assert_int_eq(recording_detect(detected[_i].text, strlen(detected[_i].text)),
                     detected[_i].is);
}
END_TEST

/* Bytes of every value survive, and the file is printable UTF-8. */
START_TEST(test_hostile_texts)
{
    CLEANUP(recording_cleanup) Recording *recording = with_run("a");
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    char every[256];

    for (int i = 0; i < 255; i++)
        every[i] = (char)(i + 1);
    every[255] = '\0';
    Fact draft = file_fact(every, ACCESS_READ | ACCESS_STAT);
    draft.first = (FirstSeen){.ancestry = {every}, .depth = 1, .command = "\"\\"};
    ck_assert_int_eq(recording_add(recording, &draft, 0, 1, every, NULL), 1);
    print(recording, &out);
    for (size_t i = 0; i < out.length; i++)
        ck_assert((unsigned char)out.data[i] >= 0x20 || out.data[i] == '\n');
    CLEANUP(recording_cleanup) Recording *back = parse(out.data, out.length);
    Fact view;
    ck_assert_str_eq(recording_fact(back, 0, &view)->name, every);
    ck_assert_str_eq(view.labels[0], every);
    ck_assert_str_eq(view.first.command, "\"\\");
}
END_TEST

START_TEST(test_document)
{
    static const char text[] = HEADER FACT(",\"count\":1") FOOTER;
    CLEANUP(recording_cleanup) Recording *recording = parse(text, strlen(text));
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    ck_assert_int_eq(recording_print_document(recording, &out), 0);
    ck_assert_str_eq(buffer_text(&out),
                     "{\"whittle\":\"recording\",\"format\":1,\"runs\":[{\"id\":\"r\","
                     "\"no_new_privs\":false,\"calls\":0,\"complete\":true}],\"complete\":true,"
                     "\"losses\":[],\"facts\":[\n"
                     "{\"kind\":\"exec\",\"name\":\"/x\",\"phase\":\"run\",\"count\":1,"
                     "\"origin\":\"observed\"}\n]}\n");
}
END_TEST

/* A command line larger than any header could hold is cut, not a reason to lose the recording. */
START_TEST(test_large_command)
{
    CLEANUP(free_pointer) char *word = malloc(100001);
    const char *words[200];
    const Run run = {.id = "a", .command = words, .command_count = ARRAY_LENGTH(words)};
    CLEANUP(recording_cleanup) Recording *recording = recording_new();
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    uint32_t index;

    memset(word, '\x01', 100000);
    word[100000] = '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        words[i] = word;
    ck_assert_int_eq(recording_add_run(recording, &run, &index), 0);
    ck_assert_uint_lt(recording_run(recording, 0)->command_count, 10);
    print(recording, &out);
    ck_assert_uint_lt(out.length, 200000);
    CLEANUP(recording_cleanup) Recording *back = parse(out.data, out.length);
    ck_assert_uint_eq(recording_runs_count(back), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recording");

    suite_add(suite, "repeats", test_repeats, 1);
    suite_add(suite, "canonical", test_canonical, ARRAY_LENGTH(golden));
    suite_add(suite, "read errors", test_read_errors, 1);
    suite_add(suite, "journal", test_journal, 1);
    suite_add(suite, "cut", test_cut_anywhere, 1);
    suite_add(suite, "bad", test_bad, ARRAY_LENGTH(bad));
    suite_add(suite, "nul and depth", test_nul_and_depth, 1);
    suite_add(suite, "detect", test_detect, ARRAY_LENGTH(detected));
    suite_add(suite, "hostile texts", test_hostile_texts, 1);
    suite_add(suite, "document", test_document, 1);
    suite_add(suite, "large command", test_large_command, 1);
    return suite_run(suite);
}
