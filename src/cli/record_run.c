/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/record_run.h"

#include "cli/run_begin.h"

#include <errno.h>

int record_run(const Parsed *parsed, const Joining *joining, const Run *run,
               const Supervision *supervision, SuperviseResult *ret_result, Error *err)
{
    const Backend *backend = supervision->backend;
    Supervision filled = *supervision;
    Run described = *run;
    char features[256] = "";

    if (!supervision->recording)
        return error_errno(err, ENOMEM, "cannot make a recording");
    if (joining && backend->features_joined)
        backend->features_joined(features, sizeof features);
    else
        backend->features(features, sizeof features);
    described.label = parsed_value(parsed, "label", NULL);
    described.backend = backend->name;
    described.features = features;
    described.command = (const char **)(void *)parsed->arguments;
    described.command_count = (size_t)parsed->arguments_count;
    described.exit_status = -1;
    const int r = run_begin(&described, filled.recording, &filled.run, err);
    if (r < 0)
        return r;
    filled.label = described.label;
    if (joining) {
        filled.join = joining->pids;
        filled.join_count = joining->pids_count;
        filled.cgroups = joining->cgroups;
        filled.cgroups_count = joining->cgroups_count;
    }
    return supervise(&filled, ret_result, err);
}

int record_run_outcome(const SuperviseResult *result, Error *err)
{
    if (result->output_error.code != 0) {
        *err = result->output_error;
        return err->code;
    }
    if (result->recorder_died)
        return error_set(err, -ECHILD, "the recorder was killed: what happened is not known");
    return 0;
}
