/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/infer.h"

#include "base/memory.h"
#include "generator/infer_private.h"
#include "generator/path_shapes.h"

#include <errno.h>

int infer_policy(Recording *recording, const InferOptions *options, Policy *policy, Buffer *notes,
                 Error *err)
{
    CLEANUP(path_uses_deinit) PathUses uses = {0};
    PathShapes *shapes = NULL;

    recording_sort(recording);
    int r = path_uses_collect(recording, &uses);
    if (r == 0 && !(shapes = path_shapes_new(recording, &uses, options->generalise)))
        r = -ENOMEM;
    if (r == 0)
        r = infer_io_uring(recording, policy, notes);
    if (r == 0)
        r = infer_syscalls(recording, options, policy, notes);
    if (r == 0)
        r = infer_files(&uses, shapes, options, policy, notes);
    if (r == 0)
        r = infer_system(recording, shapes, policy);
    if (r == 0)
        r = infer_container(recording, &uses, policy, notes);
    path_shapes_free(shapes);
    if (r == 0)
        r = notes->error;
    return r < 0 ? error_errno(err, r, "working out the policy") : 0;
}
