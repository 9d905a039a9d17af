/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/pipeline.h"

#include "base/io.h"
#include "base/memory.h"
#include "generator/emitter.h"
#include "generator/infer.h"
#include "generator/knowledge.h"
#include "generator/read_input.h"

#include <ctype.h>
#include <errno.h>

void generate_input_deinit(GenerateInput *input)
{
    recording_cleanup(&input->recording);
    policy_cleanup(&input->policy);
}

/* ---- input ---------------------------------------------------------------------------------- */

static int take_policy(void *context, const char *path, Buffer *text, Error *err)
{
    GenerateInput *input = context;
    CLEANUP(policy_cleanup) Policy *policy = NULL;
    int r = policy_parse(path, buffer_text(text), text->length, &policy, err);

    if (r < 0)
        return r;
    if (!input->policy) {
        input->policy = TAKE(policy);
        return 0;
    }
    r = policy_merge(input->policy, policy);
    return r < 0 ? error_errno(err, r, "%s", path) : 0;
}

int generate_input_add(GenerateInput *input, const char *path, Error *err)
{
    return read_recording_or_policy(path, &input->recording, take_policy, input, err);
}

/* ---- policy --------------------------------------------------------------------------------- */

/* What stands behind the last slash of TEXT, without an image's tag and digest. */
static size_t last_word(const char *text, const char **ret_word)
{
    const char *slash = strrchr(text, '/');

    *ret_word = slash ? slash + 1 : text;
    return strcspn(*ret_word, ":@");
}

/* How a policy for RUN might be called: after the container's service or image, else the command.
 */
static void name_for_run(const Run *run, char *out, size_t size)
{
    const char *command = run->command_count > 0 ? run->command[0] : "";
    const char *text = run->service ? run->service : run->image ? run->image : command;
    const char *word;
    const size_t length = last_word(text, &word);
    size_t used = 0;

    for (size_t i = 0; i < length && used < size - 1; i++)
        out[used++] = isalnum((unsigned char)word[i]) || strchr("._-", word[i]) ? word[i] : '_';
    out[used] = '\0';
}

void generate_name_after(Recording *recording, char *name, size_t size)
{
    char other[64];
    char first[sizeof other] = "";

    for (uint32_t i = 0; i < recording_runs_count(recording); i++) {
        name_for_run(recording_run(recording, i), other, sizeof other);
        if (first[0] == '\0' || (other[0] != '\0' && strcmp(other, first) < 0))
            memcpy(first, other, sizeof first);
    }
    (void)snprintf(name, size, "%s", first);
}

static int name_after_run(Policy *policy, Recording *recording)
{
    char name[64] = "";

    if (recording)
        generate_name_after(recording, name, sizeof name);
    return policy_set_name(policy, policy_name_is_valid(name) ? name : POLICY_NAME_DEFAULT);
}

static int set_name(Policy *policy, const GenerateOptions *options, Recording *recording,
                    Error *err)
{
    int r = 0;

    if (options->name && !policy_name_is_valid(options->name))
        return error_set(err, -EINVAL,
                         "\"%.100s\" can be no name: use letters, digits, \"_\", \"-\" and \".\"",
                         options->name);
    if (options->name)
        r = policy_set_name(policy, options->name);
    else if (!policy_name(policy))
        r = name_after_run(policy, recording);
    return r < 0 ? error_errno(err, r, "naming the policy") : 0;
}

static int set_default_runtimes(Policy *policy)
{
    int r = 0;

    for (size_t i = 0; i < runtime_calls_count && r == 0; i++)
        r = policy_add_runtime(policy, runtime_calls[i].runtime);
    return r;
}

static int set_runtimes(Policy *policy, const char *runtimes, Error *err)
{
    CLEANUP(free_pointer) char *copy = strdup(runtimes);
    char *rest = copy;
    int r = copy ? 0 : -ENOMEM;

    policy_clear_runtimes(policy);
    if (strcmp(runtimes, "none") == 0)
        return 0;
    for (char *name = strsep(&rest, ","); name && r == 0; name = strsep(&rest, ",")) {
        if (!runtime_is_known(name))
            return error_set(err, -EINVAL,
                             "no table of what the container runtime \"%.60s\" needs; see "
                             "profiles/runtimes/README.md for how to measure it",
                             name);
        r = policy_add_runtime(policy, name);
    }
    return r < 0 ? error_errno(err, r, "choosing container runtimes") : 0;
}

/* Learning without a profile may find what that one is there to refuse. */
static int note_lifted(Recording *recording, Buffer *notes)
{
    CLEANUP(buffer_deinit) Buffer names = BUFFER_INIT;
    int r = recording_profile_denied(recording, &names);

    if (r == 0 && names.length > 0)
        r = buffer_printf(notes,
                          "the container's own seccomp profile was lifted while recording; the "
                          "policy allows what it refuses: %s\n",
                          buffer_text(&names));
    return r;
}

/* Of what such a runtime needs no more is known than what it happened to do while it was watched.
 */
static int note_runtimes(Recording *recording, Buffer *notes)
{
    for (uint32_t i = 0; i < recording_runs_count(recording); i++) {
        const char *runtime = recording_run(recording, i)->runtime;
        bool told = !runtime || runtime_is_known(runtime);
        for (uint32_t k = 0; k < i && !told; k++) {
            const char *other = recording_run(recording, k)->runtime;
            told = other && strcmp(other, runtime) == 0;
        }
        if (!told &&
            buffer_printf(notes,
                          "recorded with the container runtime %.60s, of which there is no table: "
                          "under the profile it may fail to start containers; "
                          "script/measure-runtimes measures it, see profiles/runtimes/README.md\n",
                          runtime) < 0)
            return -ENOMEM;
    }
    return 0;
}

int generate_policy(GenerateInput *input, const GenerateOptions *options, Policy **ret_policy,
                    Buffer *notes, Error *err)
{
    CLEANUP(policy_cleanup) Policy *policy = policy_new();
    const InferOptions infer = {.conditions = options->conditions,
                                .generalise = options->generalise};
    int r = policy ? 0 : error_errno(err, -ENOMEM, "making the policy");

    if (r == 0 && input->recording)
        r = infer_policy(input->recording, &infer, policy, notes, err);
    if (r == 0 && input->recording &&
        (note_lifted(input->recording, notes) < 0 || note_runtimes(input->recording, notes) < 0))
        r = error_errno(err, -ENOMEM, "making the policy");
    if (r == 0 && input->policy && input->recording) {
        /* What people wrote stays: the policy is the base, the recording is added. */
        r = policy_merge(input->policy, policy);
        if (r < 0)
            (void)error_errno(err, r, "uniting policies");
    }
    if (r < 0)
        return r;
    if (input->policy) {
        policy_cleanup(&policy);
        policy = TAKE(input->policy);
    } else if (set_default_runtimes(policy) < 0) {
        return error_errno(err, -ENOMEM, "making the policy");
    }
    if (options->deny_action != POLICY_ALLOW)
        policy_set_deny_action(policy, options->deny_action);
    if (options->runtimes)
        r = set_runtimes(policy, options->runtimes, err);
    if (r == 0)
        r = set_name(policy, options, input->recording, err);
    if (r < 0)
        return r;
    policy_sort(policy);
    *ret_policy = TAKE(policy);
    return 0;
}

/* ---- files ---------------------------------------------------------------------------------- */

static bool is_wanted(const Emitter *emitter, const char *formats)
{
    const size_t length = strlen(emitter->format);

    if (!formats)
        return emitter->by_default;
    for (const char *at = formats; *at; at += strcspn(at, ","), at += *at == ',') {
        if (strcspn(at, ",") == length && strncmp(at, emitter->format, length) == 0)
            return true;
    }
    return false;
}

static int check_formats(const char *formats, Error *err)
{
    CLEANUP(free_pointer) char *copy = strdup(formats);
    char *rest = copy;

    if (!copy)
        return error_errno(err, -ENOMEM, "choosing formats");
    for (char *name = strsep(&rest, ","); name; name = strsep(&rest, ",")) {
        if (!emitter_by_format(name))
            return error_set(err, -EINVAL, "there is no format \"%.60s\"", name);
    }
    return 0;
}

int generate_files(const Policy *policy, const Buffer *policy_text, const char *folder,
                   const char *formats, Buffer *notes, Error *err)
{
    CLEANUP(buffer_deinit) Buffer bytes = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer path = BUFFER_INIT;
    int r = formats ? check_formats(formats, err) : 0;

    if (r == 0)
        r = make_folder(folder, err);
    for (const Emitter *emitter = emitters; emitter->format && r == 0; emitter++) {
        if (!is_wanted(emitter, formats))
            continue;
        buffer_clear(&bytes);
        buffer_clear(&path);
        if (policy_text && emitter->emit == emit_policy)
            r = buffer_append(&bytes, buffer_text(policy_text), policy_text->length);
        else
            r = emitter->emit(policy, &bytes, notes, err);
        if (r == 0)
            r = buffer_printf(&path, "%s/%s", folder, emitter->file);
        if (r == 0)
            r = write_file_atomic(buffer_text(&path), buffer_text(&bytes), bytes.length, err);
    }
    return r;
}
