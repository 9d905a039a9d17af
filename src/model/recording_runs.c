/* SPDX-License-Identifier: Apache-2.0 */
/* The runs of a recording and its loss account. */
#include "base/memory.h"
#include "model/recording_internal.h"

#include <errno.h>

const RunField run_fields[] = {
    {"id", offsetof(Run, id), false},
    {"label", offsetof(Run, label), false},
    {"version", offsetof(Run, version), false},
    {"arch", offsetof(Run, arch), false},
    {"kernel", offsetof(Run, kernel), false},
    {"backend", offsetof(Run, backend), false},
    {"features", offsetof(Run, features), false},
    {"runtime", offsetof(Run, runtime), false},
    {"runtime_version", offsetof(Run, runtime_version), false},
    {"image", offsetof(Run, image), false},
    {"image_digest", offsetof(Run, image_digest), false},
    {"engine", offsetof(Run, engine), false},
    {"container", offsetof(Run, container), false},
    {"container_id", offsetof(Run, container_id), false},
    {"service", offsetof(Run, service), false},
    {"capabilities", offsetof(Run, capabilities), false},
    {"mounts", offsetof(Run, mounts), false},
    {"profile_denies", offsetof(Run, profile_denies), false},
    {"cgroup", offsetof(Run, cgroup), false},
    {"user", offsetof(Run, user), false},
    {"start", offsetof(Run, start), false},
    {"end", offsetof(Run, end), true},
};

const size_t run_fields_count = ARRAY_LENGTH(run_fields);

const char *run_text(const Run *run, const RunField *field)
{
    const char *text;

    memcpy(&text, (const char *)run + field->offset, sizeof text);
    return text;
}

void run_set_text(Run *run, const RunField *field, const char *text)
{
    memcpy((char *)run + field->offset, &text, sizeof text);
}

static bool run_id_valid(const char *id)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t length = strlen(id);

    return length > 0 && length <= RUN_ID_MAX && strspn(id, allowed) == length;
}

long recording_find_run(const Recording *recording, const char *id)
{
    for (size_t i = 0; i < recording->runs_count; i++) {
        if (strcmp(recording->runs[i].id, id) == 0)
            return (long)i;
    }
    return -1;
}

static const char *add_cut(Recording *recording, const char *text, size_t limit)
{
    return strset_add_bytes(recording->strings, text, strnlen(text, limit));
}

int run_copy_command(Recording *recording, const Run *run, const char ***ret_command,
                     size_t *ret_count)
{
    CLEANUP(free_pointer) const char **command = NULL;
    size_t room = RUN_COMMAND_MAX;
    size_t count = 0;

    if (run->command_count > 0) {
        command = calloc(run->command_count, sizeof *command);
        if (!command)
            return -ENOMEM;
    }
    while (count < run->command_count && room > 0) {
        const char *word =
            add_cut(recording, run->command[count], room < RUN_TEXT_MAX ? room : RUN_TEXT_MAX);
        if (!word)
            return -ENOMEM;
        const size_t used = strlen(word) + 1;
        room = used < room ? room - used : 0;
        command[count++] = word;
    }
    *ret_command = TAKE(command);
    *ret_count = count;
    return 0;
}

int recording_add_run(Recording *recording, const Run *run, uint32_t *ret_index)
{
    Run copy = *run;

    if (!run->id || !run_id_valid(run->id) || recording->runs_count >= RUNS_MAX)
        return -EINVAL;
    if (recording_find_run(recording, run->id) >= 0)
        return -EEXIST;
    for (size_t i = 0; i < run_fields_count; i++) {
        const char *text = run_text(run, &run_fields[i]);
        if (!text)
            continue;
        text = add_cut(recording, text, RUN_TEXT_MAX);
        if (!text)
            return -ENOMEM;
        run_set_text(&copy, &run_fields[i], text);
    }
    if (array_reserve(&recording->runs, &recording->runs_capacity, recording->runs_count,
                      sizeof *recording->runs) < 0)
        return -ENOMEM;
    const int r = run_copy_command(recording, run, &copy.command, &copy.command_count);
    if (r < 0)
        return r;
    if (copy.calls > INT64_MAX)
        copy.calls = INT64_MAX;
    if (copy.interrupted > INT64_MAX)
        copy.interrupted = INT64_MAX;
    if (copy.exit_status < 0)
        copy.exit_status = -1;
    *ret_index = (uint32_t)recording->runs_count;
    recording->runs[recording->runs_count++] = copy;
    return 0;
}

size_t recording_runs_count(const Recording *recording)
{
    return recording->runs_count;
}

Run *recording_run(Recording *recording, uint32_t index)
{
    return index < recording->runs_count ? &recording->runs[index] : NULL;
}

/* ---- losses --------------------------------------------------------------------------------- */

static uint64_t add_counts(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) || sum > INT64_MAX ? INT64_MAX : sum;
}

static const char *smaller(const char *a, const char *b)
{
    if (!a || !b)
        return a ? a : b;
    return strcmp(a, b) <= 0 ? a : b;
}

/* Makes the sums anew; there is room for one more than there were. */
static void sum_losses(Recording *recording)
{
    size_t count = 0;

    for (size_t i = 0; i < recording->run_losses_count; i++) {
        const RunLoss *loss = &recording->run_losses[i];
        Loss *sum = count > 0 ? &recording->losses[count - 1] : NULL;
        if (!sum || sum->cause != loss->cause) {
            recording->losses[count++] = (Loss){loss->cause, loss->example, loss->count};
            continue;
        }
        sum->count = add_counts(sum->count, loss->count);
        sum->example = smaller(sum->example, loss->example);
    }
    recording->losses_count = count;
}

static RunLoss *insert_loss(Recording *recording, const char *cause, uint32_t run)
{
    size_t at = recording->run_losses_count;

    while (at > 0) {
        const RunLoss *before = &recording->run_losses[at - 1];
        const int order = strcmp(before->cause, cause);
        if (order == 0 && before->run == run)
            return &recording->run_losses[at - 1];
        if (order < 0 || (order == 0 && before->run < run))
            break;
        at--;
    }
    if (array_reserve(&recording->run_losses, &recording->run_losses_capacity,
                      recording->run_losses_count, sizeof *recording->run_losses) < 0 ||
        array_reserve(&recording->losses, &recording->losses_capacity, recording->losses_count,
                      sizeof *recording->losses) < 0)
        return NULL;
    RunLoss *place = recording->run_losses + at;
    memmove(place + 1, place, (recording->run_losses_count - at) * sizeof *place);
    *place = (RunLoss){.cause = cause, .run = run};
    recording->run_losses_count++;
    return place;
}

int recording_add_run_loss(Recording *recording, const char *cause, const char *example, uint64_t n,
                           uint32_t run, bool merge)
{
    if (run >= recording->runs_count)
        return -EINVAL;
    cause = strset_add(recording->strings, cause);
    if (!cause)
        return -ENOMEM;
    if (example && !(example = strset_add(recording->strings, example)))
        return -ENOMEM;
    RunLoss *loss = insert_loss(recording, cause, run);
    if (!loss)
        return -ENOMEM;
    if (merge) {
        loss->count = n > loss->count ? n : loss->count;
        loss->example = smaller(loss->example, example);
    } else {
        loss->count = add_counts(loss->count, n);
        loss->example = loss->example ? loss->example : example;
    }
    sum_losses(recording);
    return 0;
}

int recording_add_loss(Recording *recording, const char *cause, const char *example, uint64_t n)
{
    if (recording->runs_count == 0)
        return -EINVAL;
    return recording_add_run_loss(recording, cause, example, n, (uint32_t)recording->runs_count - 1,
                                  false);
}

size_t recording_losses_count(const Recording *recording)
{
    return recording->losses_count;
}

const Loss *recording_loss(const Recording *recording, size_t index)
{
    return index < recording->losses_count ? &recording->losses[index] : NULL;
}

bool recording_run_complete(const Recording *recording, uint32_t run)
{
    if (!recording->runs[run].complete)
        return false;
    for (size_t i = 0; i < recording->run_losses_count; i++) {
        if (recording->run_losses[i].run == run)
            return false;
    }
    return true;
}

bool recording_is_complete(const Recording *recording)
{
    for (size_t i = 0; i < recording->runs_count; i++) {
        if (!recording->runs[i].complete)
            return false;
    }
    return recording->runs_count > 0 && recording->run_losses_count == 0;
}
