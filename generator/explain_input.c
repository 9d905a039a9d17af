/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings and a policy to ask about. */
#include "base/io.h"
#include "base/memory.h"
#include "generator/explain.h"
#include "generator/inputs.h"
#include "generator/read_input.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

void explain_input_deinit(ExplainInput *input)
{
    input->recording = recording_free(input->recording);
    input->policy = policy_text_free(input->policy);
    free(input->policy_path);
    buffer_deinit(&input->policy_bytes);
    *input = (ExplainInput){0};
}

static int take_policy(void *context, const char *path, Buffer *text, Error *err)
{
    ExplainInput *input = context;
    CLEANUP(free_pointer) char *copy = strdup(path);

    if (input->policy)
        return error_set(err, -EINVAL, "%s: one policy is enough; %s was named before", path,
                         input->policy_path);
    if (!copy)
        return error_errno(err, -ENOMEM, "%s", path);
    const int r = policy_text_parse(path, buffer_text(text), text->length, &input->policy, err);
    if (r < 0)
        return r;
    input->policy_path = TAKE(copy);
    input->policy_bytes = *text;
    *text = BUFFER_INIT;
    return 0;
}

static int add_file(ExplainInput *input, const char *path, Error *err)
{
    return read_recording_or_policy(path, &input->recording, take_policy, input, err);
}

static bool is_folder(const char *path)
{
    struct stat status;

    return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

int explain_input_add(ExplainInput *input, const char *path, Error *err)
{
    CLEANUP(buffer_deinit) Buffer file = BUFFER_INIT;
    const size_t length = strlen(path);

    if (!is_folder(path))
        return add_file(input, path, err);
    if (buffer_printf(&file, "%s%spolicy.yaml", path,
                      length > 0 && path[length - 1] == '/' ? "" : "/") < 0)
        return error_errno(err, -ENOMEM, "%s", path);
    if (access(buffer_text(&file), F_OK) == 0)
        return add_file(input, buffer_text(&file), err);
    return explain_input_add_recording(input, path, err);
}

int explain_input_add_recording(ExplainInput *input, const char *path, Error *err)
{
    CLEANUP(generate_inputs_deinit) GenerateInputs inputs = {0};
    CLEANUP(free_pointer) char *copy = strdup(path);
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    char *const paths[] = {copy};

    if (!copy)
        return error_errno(err, -ENOMEM, "%s", path);
    const int r = generate_inputs_read(paths, 1, GROUPING_NONE, &inputs, &notes, err);
    if (r < 0)
        return r;
    GenerateInput *read = &inputs.list[0].input;
    if (!read->recording || read->policy)
        return error_set(err, -EINVAL, "%s is no recording", path);
    return recording_gather(&input->recording, &read->recording, path, err);
}

int explain_input_finish(ExplainInput *input, Error *err)
{
    const GenerateOptions options = {.conditions = true, .generalise = GENERALISE_CAREFUL};
    GenerateInput generate = {.recording = input->recording}; /* stays INPUT's */
    CLEANUP(policy_cleanup) Policy *policy = NULL;
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;

    if (input->recording && recording_sort(input->recording) < 0)
        return error_errno(err, -ENOMEM, "sorting the recording");
    if (input->policy || !input->recording)
        return 0;
    int r = generate_policy(&generate, &options, &policy, &notes, err);
    if (r < 0)
        return r;
    if (policy_print(policy, &input->policy_bytes) < 0)
        return error_errno(err, -ENOMEM, "making the policy");
    return policy_text_parse("the policy that follows from the recording",
                             buffer_text(&input->policy_bytes), input->policy_bytes.length,
                             &input->policy, err);
}
