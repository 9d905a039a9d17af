/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording's key is the set of images and services of its runs; recordings with equal keys are
 * merged as soon as they are read, so that memory grows with distinct behaviour. Those that know
 * their image by reference only find their group when all are read.
 */
#include "generator/inputs.h"

#include "base/io.h"
#include "base/memory.h"
#include "generator/input_names.h"

#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

#define PEEK_SIZE ((size_t)4096)

typedef struct Reading {
    GenerateInputs inputs;
    Policy *policy; /* all policies; NULL: none yet */
    Grouping grouping;
    Buffer *notes;
} Reading;

static void group_deinit(InputGroup *group)
{
    generate_input_deinit(&group->input);
    free(group->name);
    free(group->key);
    free(group->image);
    free(group->service);
}

void generate_inputs_deinit(GenerateInputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        group_deinit(&inputs->list[i]);
    free(inputs->list);
    *inputs = (GenerateInputs){0};
}

static void reading_deinit(Reading *reading)
{
    generate_inputs_deinit(&reading->inputs);
    reading->policy = policy_free(reading->policy);
}

/* ---- groups ---------------------------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "SERVICE IMAGE" of a run; neither has a blank. To be freed. */
static char *run_key(const Run *run)
{
    const char *image = run->image_digest ? run->image_digest : run->image;
    char *key;

    return asprintf(&key, "%s %s", run->service ? run->service : "", image ? image : "") < 0 ? NULL
                                                                                             : key;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

/* The keys of all runs, each once, a line each. To be freed. *RET_COUNT: how many. */
static char *recording_key(Recording *recording, size_t *ret_count)
{
    const size_t count = recording_runs_count(recording);
    Buffer key = BUFFER_INIT;
    char **texts = calloc(count + 1, sizeof *texts);
    size_t distinct = 0;

    for (size_t i = 0; texts && i < count; i++) {
        texts[i] = run_key(recording_run(recording, (uint32_t)i));
        if (!texts[i]) {
            free_texts(texts, i);
            return NULL;
        }
    }
    if (!texts)
        return NULL;
    qsort(texts, count, sizeof *texts, compare_texts);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(texts[i], texts[i - 1]) == 0)
            continue;
        (void)buffer_printf(&key, "%s%s", distinct > 0 ? "\n" : "", texts[i]);
        distinct++;
    }
    free_texts(texts, count);
    *ret_count = distinct;
    return buffer_steal(&key);
}

static InputGroup *find_group(GenerateInputs *inputs, const char *key)
{
    for (size_t i = 0; i < inputs->count; i++) {
        if (strcmp(inputs->list[i].key, key) == 0)
            return &inputs->list[i];
    }
    return NULL;
}

/* *TEXT becomes the lesser of itself and OTHER (NULL: nothing), so that no order matters. */
static int keep_lesser(char **text, const char *other)
{
    if (!other || (*text && strcmp(*text, other) <= 0))
        return 0;
    char *copy = strdup(other);
    if (!copy)
        return -ENOMEM;
    free(*text);
    *text = copy;
    return 0;
}

/* What RECORDING says of the group's image. */
static int describe(InputGroup *group, Recording *recording)
{
    int r = 0;

    for (uint32_t i = 0; i < recording_runs_count(recording) && r == 0; i++) {
        const Run *run = recording_run(recording, i);
        r = keep_lesser(&group->image, run->image ? run->image : run->image_digest);
        if (r == 0)
            r = keep_lesser(&group->service, run->service);
        group->has_digest = group->has_digest || run->image_digest;
    }
    return r;
}

/* Takes KEY, on failure as well. */
static int add_group(GenerateInputs *inputs, char *key, InputGroup **ret_group)
{
    if (!key || array_reserve((void *)&inputs->list, &inputs->capacity, inputs->count,
                              sizeof *inputs->list) < 0) {
        free(key);
        return -ENOMEM;
    }
    *ret_group = &inputs->list[inputs->count++];
    **ret_group = (InputGroup){.key = key};
    return 0;
}

static int add_recording(Reading *reading, const char *path, Recording **recording, Error *err)
{
    size_t images = 0;
    char *key =
        reading->grouping == GROUPING_NONE ? strdup("") : recording_key(*recording, &images);
    InputGroup *group = key ? find_group(&reading->inputs, key) : NULL;
    int r = 0;

    if (images > 1)
        (void)buffer_printf(reading->notes,
                            "%s: was merged from recordings of %zu images or services, so they get "
                            "one policy; for one each give the recordings that it was made of\n",
                            path, images);
    if (group)
        free(key);
    else
        r = add_group(&reading->inputs, key, &group);
    if (r == 0)
        r = describe(group, *recording);
    if (r < 0)
        return error_errno(err, r, "%s", path);
    r = recording_gather(&group->input.recording, recording, path, err);
    group->recordings += r == 0;
    return r;
}

/* ---- files and folders ----------------------------------------------------------------------- */

static int add_file(Reading *reading, const char *path, Error *err)
{
    CLEANUP(generate_input_deinit) GenerateInput input = {0};
    int r = generate_input_add(&input, path, err);

    if (r < 0)
        return r;
    if (input.recording)
        return add_recording(reading, path, &input.recording, err);
    if (!reading->policy) {
        reading->policy = TAKE(input.policy);
        return 0;
    }
    r = policy_merge(reading->policy, input.policy);
    return r < 0 ? error_errno(err, r, "%s", path) : 0;
}

static int is_recording(const char *path, bool *ret_it, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(fd_close) int fd = open_and_peek(path, &text, PEEK_SIZE, err);

    if (fd < 0)
        return fd;
    *ret_it = recording_detect(buffer_text(&text), text.length);
    return 0;
}

static void fts_drop(FTS **tree)
{
    if (*tree)
        (void)fts_close(*tree);
}

static int compare_entries(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* 1: a recording was there. */
static int add_entry(Reading *reading, const FTSENT *entry, Error *err)
{
    bool it = false;

    if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
        return error_errno(err, entry->fts_errno, "%s", entry->fts_path);
    if (entry->fts_info != FTS_F || !S_ISREG(entry->fts_statp->st_mode))
        return 0;
    int r = is_recording(entry->fts_path, &it, err);
    if (r == 0 && it)
        r = add_file(reading, entry->fts_path, err);
    return r < 0 ? r : it;
}

static int add_folder(Reading *reading, char *path, Error *err)
{
    char *const paths[] = {path, NULL};
    CLEANUP(fts_drop)
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, compare_entries);
    bool any = false;

    if (!tree)
        return error_errno(err, errno, "%s", path);
    for (;;) {
        errno = 0;
        const FTSENT *entry = fts_read(tree);
        if (!entry)
            break;
        const int r = add_entry(reading, entry, err);
        if (r < 0)
            return r;
        any = any || r > 0;
    }
    if (errno != 0)
        return error_errno(err, errno, "%s", path);
    return any ? 0 : error_set(err, -ENOENT, "%s: no recording is in this folder", path);
}

static int add_path(Reading *reading, char *path, Error *err)
{
    struct stat st;

    if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return add_folder(reading, path, err);
    return add_file(reading, path, err);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The only group with a digest of GROUP's reference and service; NULL: none, or several. */
static InputGroup *group_by_reference(GenerateInputs *inputs, const InputGroup *group)
{
    InputGroup *found = NULL;

    for (size_t i = 0; i < inputs->count; i++) {
        InputGroup *other = &inputs->list[i];
        if (!other->has_digest || !same_text(other->image, group->image) ||
            !same_text(other->service, group->service))
            continue;
        if (found)
            return NULL;
        found = other;
    }
    return found;
}

static bool is_merged(const InputGroup *group)
{
    return strchr(group->key, '\n') != NULL;
}

static int join_by_reference(GenerateInputs *inputs)
{
    for (size_t i = 0; i < inputs->count;) {
        InputGroup *group = &inputs->list[i];
        InputGroup *other = group->image && !group->has_digest && !is_merged(group)
                                ? group_by_reference(inputs, group)
                                : NULL;
        if (!other || is_merged(other)) {
            i++;
            continue;
        }
        const int r = recording_merge(other->input.recording, group->input.recording);
        if (r < 0)
            return r;
        other->recordings += group->recordings;
        group_deinit(group);
        *group = inputs->list[--inputs->count];
    }
    return 0;
}

static int compare_optional(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_groups(const void *a, const void *b)
{
    const InputGroup *left = a;
    const InputGroup *right = b;
    int order = compare_optional(left->service, right->service);

    if (order == 0)
        order = compare_optional(left->image, right->image);
    return order != 0 ? order : strcmp(left->key, right->key);
}

static int hand_over_policy(Reading *reading, Error *err)
{
    GenerateInputs *inputs = &reading->inputs;
    InputGroup *group;

    if (!reading->policy)
        return 0;
    if (inputs->count > 1)
        return error_set(err, -EINVAL,
                         "the recordings are of %zu images or services, and there is a policy, "
                         "which is of one: give the recordings of that one, or --group none",
                         inputs->count);
    if (inputs->count == 0 && add_group(inputs, strdup(""), &group) < 0)
        return error_errno(err, -ENOMEM, "reading");
    inputs->list[0].input.policy = TAKE(reading->policy);
    return 0;
}

int generate_inputs_read(char *const *paths, size_t count, Grouping grouping,
                         GenerateInputs *ret_inputs, Buffer *notes, Error *err)
{
    CLEANUP(reading_deinit) Reading reading = {.grouping = grouping, .notes = notes};
    GenerateInputs *inputs = &reading.inputs;
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = add_path(&reading, paths[i], err);
    if (r < 0)
        return r;
    r = join_by_reference(inputs);
    if (r < 0)
        return error_errno(err, r, "merging recordings");
    r = hand_over_policy(&reading, err);
    if (r < 0)
        return r;
    if (inputs->count > 1)
        qsort(inputs->list, inputs->count, sizeof *inputs->list, compare_groups);
    r = input_names_set(inputs, err);
    if (r < 0)
        return r;
    *ret_inputs = *inputs;
    *inputs = (GenerateInputs){0};
    return 0;
}
