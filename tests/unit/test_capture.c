/* SPDX-License-Identifier: Apache-2.0 */
/* tracer/capture: which facts an event makes. Rows: capture_rows_*.c. */
#include "base/io.h"
#include "base/memory.h"
#include "capture_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a recording in the making -------------------------------------------------------------- */

void site_take(Site *site)
{
    const struct event *event = maker_event(&site->maker);

    ck_assert_int_eq(capture_event(site->capture, event, event->size), 0);
}

void site_tell_program(Site *site, uint32_t number, const char *path)
{
    maker_begin(&site->maker, EVENT_PROGRAM);
    maker_event(&site->maker)->value = number;
    maker_file(&site->maker, BLOB_PROGRAM, 0, path, S_IFREG | 0755, 0);
    site_take(site);
}

static void site_init(Site *site)
{
    const Run run = {.id = "a", .exit_status = -1};
    uint32_t index;

    (void)strcpy(site->folder, "/tmp/whittle-capture-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(site->folder));
    site->recording = recording_new();
    ck_assert_ptr_nonnull(site->recording);
    ck_assert_int_eq(recording_add_run(site->recording, &run, &index), 0);
    const ObserverOptions options = {
        .recording = site->recording, .run = index, .journal_fd = -1, .sees_results = true};
    ck_assert_int_eq(observer_new(&options, &site->observer, NULL), 0);
    site->capture = capture_new(site->observer, NULL);
    ck_assert_ptr_nonnull(site->capture);
}

static void site_deinit(Site *site)
{
    char command[128];

    site->capture = capture_free(site->capture);
    site->observer = observer_free(site->observer);
    site->recording = recording_free(site->recording);
    (void)snprintf(command, sizeof command, "rm -rf %s", site->folder);
    ck_assert_int_eq(system(command), 0);
}

const char *site_path(const Site *site, const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, PATH_MAX, "%s/%s", site->folder, name);
    return path;
}

void site_make_file(const Site *site, const char *name, const char *content)
{
    CLEANUP(fd_close) int fd = open(site_path(site, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write_all(fd, content, strlen(content)), 0);
}

void site_path_call(Site *site, const char *name, int64_t result, const char *raw)
{
    maker_call(&site->maker, name, result);
    maker_text(&site->maker, 0, raw);
    maker_file(&site->maker, BLOB_FOLDER, 0, site->folder, S_IFDIR | 0755, 0);
    site_take(site);
}

/* ---- facts as lines ------------------------------------------------------------------------- */

static void put_value(Buffer *out, const Fact *fact, FactField field)
{
    if (!fact_has(fact, field))
        return;
    const int64_t number = fact_number(fact, field, 0);
    const char *separator = " ";
    switch (field_info(field)->type) {
    case FIELD_TYPE_TEXT:
        if (field != FIELD_ARCH && field != FIELD_MOUNT)
            (void)buffer_printf(out, " %s", fact_text(fact, field));
        break;
    case FIELD_TYPE_ACCESS:
        for (unsigned bit = 0; bit < ACCESS_BITS; bit++) {
            if (number >> bit & 1) {
                (void)buffer_printf(out, "%s%s", separator, access_bit_name(bit));
                separator = "+";
            }
        }
        break;
    case FIELD_TYPE_FLAG:
        (void)buffer_puts(out, number ? " owner" : " other");
        break;
    case FIELD_TYPE_NUMBER:
        if (field != FIELD_NUMBER)
            (void)buffer_printf(out, " %" PRId64, number);
        break;
    }
}

static void put_fact(Buffer *out, const Fact *fact)
{
    (void)buffer_printf(out, "%s %s", fact_kind_name(fact->kind), fact->name);
    for (const FactField *field = fact_kind_fields(fact->kind); *field != FIELD_COUNT; field++)
        put_value(out, fact, *field);
    for (int result = 0; result <= RESULT_UNKNOWN; result++) {
        if (results_has(&fact->results, result))
            (void)buffer_printf(out, " %s",
                                result == RESULT_OK        ? "ok"
                                : result == RESULT_UNKNOWN ? "unknown"
                                                           : errno_name(result));
    }
    if (strcmp(fact->subject, "/usr/bin/app") != 0)
        (void)buffer_printf(out, " by %s", fact->subject);
    for (size_t i = 0; i < fact->labels_count; i++)
        (void)buffer_printf(out, " label %s", fact->labels[i]);
    if (fact->predicted)
        (void)buffer_puts(out, " predicted");
    (void)buffer_putc(out, '\n');
}

/* All of them, in canonical order, with @ for the folder; losses behind. */
static char *site_facts(Site *site)
{
    Buffer out = BUFFER_INIT;
    Fact view;

    site->capture = capture_free(site->capture);
    ck_assert_int_eq(recording_sort(site->recording), 0);
    for (size_t i = 0; i < recording_facts_count(site->recording); i++)
        put_fact(&out, recording_fact(site->recording, i, &view));
    for (size_t i = 0; i < recording_losses_count(site->recording); i++)
        (void)buffer_printf(&out, "loss %s\n", recording_loss(site->recording, i)->cause);
    char *text = buffer_steal(&out);
    ck_assert_ptr_nonnull(text);
    for (char *found; (found = strstr(text, site->folder)) != NULL;) {
        const size_t length = strlen(site->folder);
        *found = '@';
        memmove(found + 1, found + length, strlen(found + length) + 1);
    }
    return text;
}

static const CaptureRow *row_at(int index)
{
    const CaptureRow *tables[] = {capture_rows_files, capture_rows_io_uring, capture_rows_network,
                                  capture_rows_processes};

    for (size_t i = 0; i < ARRAY_LENGTH(tables); i++) {
        for (const CaptureRow *row = tables[i]; row->name; row++) {
            if (index-- == 0)
                return row;
        }
    }
    return NULL;
}

START_TEST(test_row)
{
    const CaptureRow *row = row_at(_i);
    Site *site = calloc(1, sizeof *site);

    ck_assert_ptr_nonnull(site);
    site_init(site);
    site_tell_program(site, 1, "/usr/bin/app");
    row->make(site);
    CLEANUP(free_pointer) char *facts = site_facts(site);
    ck_assert_msg(strcmp(facts, row->facts) == 0, "%s:\n%s--- expected:\n%s", row->name, facts,
                  row->facts);
    site_deinit(site);
    free(site);
}
END_TEST

/* ---- evidence -----------------------------------------------------------------------------------
 */

START_TEST(test_first_seen)
{
    Site *site = calloc(1, sizeof *site);
    Fact view;

    ck_assert_ptr_nonnull(site);
    site_init(site);
    site_tell_program(site, 1, "/usr/bin/app");
    site_tell_program(site, 2, "/bin/sh");
    maker_call(&site->maker, "getuid", 0);
    /* The kernel side may begin with the program itself, and repeats what forked. */
    static const uint32_t above[] = {1, 2, 2, 1};
    memcpy(maker_event(&site->maker)->ancestry, above, sizeof above);
    maker_blob(&site->maker, BLOB_COMMAND, 0, 0, "app\0-x", 7);
    site_take(site);
    const Fact *fact = recording_fact(site->recording, 0, &view);
    ck_assert_ptr_nonnull(fact);
    ck_assert_str_eq(fact->first.command, "app -x");
    ck_assert_uint_eq(fact->first.depth, 3);
    ck_assert_str_eq(fact->first.ancestry[0], "/usr/bin/app");
    ck_assert_str_eq(fact->first.ancestry[1], "/bin/sh");
    ck_assert_str_eq(fact->first.ancestry[2], "/usr/bin/app");
    site_deinit(site);
    free(site);
}
END_TEST

static uint64_t count_of(const Site *site, const char *name)
{
    Fact view;
    const Fact *fact;

    for (size_t i = 0; (fact = recording_fact(site->recording, i, &view)) != NULL; i++) {
        if (strcmp(fact->name, name) == 0)
            return fact_count(fact);
    }
    return 0;
}

START_TEST(test_counts)
{
    Site *site = calloc(1, sizeof *site);

    ck_assert_ptr_nonnull(site);
    site_init(site);
    site_tell_program(site, 1, "/usr/bin/app");
    /* One fact; two; more than two; and one event that came twice. */
    maker_call(&site->maker, "getuid", 0);
    maker_event(&site->maker)->key = 50;
    site_take(site);
    maker_call(&site->maker, "stat", 0);
    maker_event(&site->maker)->key = 40;
    maker_text(&site->maker, 0, "/etc");
    site_take(site);
    maker_call(&site->maker, "rename", 0);
    maker_event(&site->maker)->key = 60;
    maker_text(&site->maker, 0, "/nowhere/a");
    maker_text(&site->maker, 1, "/nowhere/b");
    site_take(site);
    maker_call(&site->maker, "getgid", 0);
    maker_event(&site->maker)->key = 45;
    site_take(site);
    site_take(site);
    capture_count(site->capture, 50, 1000);
    capture_count(site->capture, 40, 7);
    capture_count(site->capture, 60, 3);
    capture_count(site->capture, 45, 5);
    capture_count(site->capture, 46, 99); /* never told: lost, which the backend counts */
    ck_assert_uint_eq(count_of(site, "getuid"), 1000);
    ck_assert_uint_eq(count_of(site, "stat"), 7);
    ck_assert_uint_eq(count_of(site, "/etc"), 7);
    ck_assert_uint_eq(count_of(site, "rename"), 3);
    ck_assert_uint_eq(count_of(site, "/nowhere/a"), 3);
    ck_assert_uint_eq(count_of(site, "/nowhere/b"), 3);
    ck_assert_uint_eq(count_of(site, "getgid"), 5);
    site_deinit(site);
    free(site);
}
END_TEST

/* ---- the journal --------------------------------------------------------------------------------
 */

START_TEST(test_journal)
{
    const Run run = {.id = "a", .exit_status = -1};
    Site *site = calloc(1, sizeof *site);
    CLEANUP(fd_close) int fd = memfd_create("journal", MFD_CLOEXEC);
    struct stat st;
    uint32_t index;

    ck_assert_ptr_nonnull(site);
    ck_assert_int_ge(fd, 0);
    site_init(site);
    site->capture = capture_free(site->capture);
    site->observer = observer_free(site->observer);
    site->recording = recording_free(site->recording);
    site->recording = recording_new();
    ck_assert_int_eq(recording_add_run(site->recording, &run, &index), 0);
    const ObserverOptions options = {
        .recording = site->recording, .run = index, .journal_fd = fd, .sees_results = true};
    ck_assert_int_eq(observer_new(&options, &site->observer, NULL), 0);
    site->capture = capture_new(site->observer, NULL);
    site_tell_program(site, 1, "/usr/bin/app");
    maker_call(&site->maker, "getuid", 0);
    site_take(site);
    maker_call(&site->maker, "getgid", 0);
    site_take(site);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(st.st_size, 0);
    observer_flush(site->observer);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_gt(st.st_size, 0);
    site_deinit(site);
    free(site);
}
END_TEST

/* ---- what is no event ---------------------------------------------------------------------------
 */

static void reject(Site *site)
{
    const struct event *event = maker_event(&site->maker);

    ck_assert_int_eq(capture_event(site->capture, event, event->size), -EBADMSG);
}

START_TEST(test_garbage)
{
    Site *site = calloc(1, sizeof *site);
    struct event *event;
    struct blob *blob;

    ck_assert_ptr_nonnull(site);
    event = maker_event(&site->maker);
    blob = (struct blob *)(void *)(site->maker.bytes + sizeof *event);
    site_init(site);
    maker_call(&site->maker, "getuid", 0);
    ck_assert_int_eq(capture_event(site->capture, event, sizeof *event - 1), -EBADMSG);
    event->size++;
    ck_assert_int_eq(capture_event(site->capture, event, sizeof *event), -EBADMSG);
    event->size = 8;
    reject(site);
    maker_begin(&site->maker, (enum event_type)99);
    event->program = 0;
    reject(site);
    maker_call(&site->maker, "getuid", 0);
    event->phase = 3;
    reject(site);
    maker_call(&site->maker, "getuid", 0);
    event->abi = ABI_COUNT;
    reject(site);
    /* Blobs that do not fit, and text that does not end. */
    maker_call(&site->maker, "stat", 0);
    maker_text(&site->maker, 0, "/etc");
    blob->size = 8;
    reject(site);
    blob->size = 200;
    reject(site);
    maker_call(&site->maker, "fchmod", 0);
    maker_file(&site->maker, BLOB_FILE, 0, "/a", 0, 0);
    ((struct file_blob *)(void *)(blob + 1))->text_length = 3;
    reject(site);
    ((struct file_blob *)(void *)(blob + 1))->text_length = 1;
    reject(site);
    maker_begin(&site->maker, EVENT_PROGRAM);
    reject(site);
    event->value = (uint64_t)1 << 40;
    maker_file(&site->maker, BLOB_PROGRAM, 0, "/a", 0, 0);
    reject(site);
    maker_begin(&site->maker, EVENT_LABEL);
    event->label = 1;
    maker_blob(&site->maker, BLOB_LABEL, 0, 0, "abc", 3);
    reject(site);
    site_deinit(site);
    free(site);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capture");
    size_t rows = 0;

    while (row_at((int)rows))
        rows++;
    suite_add(suite, "rows", test_row, rows);
    suite_add(suite, "first_seen", test_first_seen, 1);
    suite_add(suite, "counts", test_counts, 1);
    suite_add(suite, "journal", test_journal, 1);
    suite_add(suite, "garbage", test_garbage, 1);
    return suite_run(suite);
}
