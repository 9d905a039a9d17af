/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing a policy that people keep up to date with what was seen: what is new is added, what
 * people wrote stays, and what nothing supports any more can be listed and taken away.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "model/policy_text.h"
#include "model/recording.h"

/* What was done, in words; each line has its newline. */
typedef struct UpdateReport {
    Buffer added;    /* "files: /srv/x r" */
    Buffer warnings; /* what was seen and the policy forbids, … */
    size_t added_count;
} UpdateReport;

void update_report_deinit(UpdateReport *report);

/*
 * Adds to TEXT what SEEN (sorted), the policy that recordings give, has beyond it. Nothing is added
 * for what a broader rule covers already, nor for what a rule denies, of which REPORT warns. Its
 * name, runtimes, user, limits and answers stay as they are. 0, or a negative errno with ERR.
 */
int policy_update(PolicyText *text, const Policy *seen, UpdateReport *report, Error *err);

/* The same, but a file rule that lacks letters gets them where it stands (`r` becomes `rm`), and no
 * line beside it: for who proposes a rule once more, with what was seen to be missing now. */
int policy_update_in_place(PolicyText *text, const Policy *seen, UpdateReport *report, Error *err);

/*
 * The places of TEXT that nothing in SEEN supports: *RET_PLACES, *RET_COUNT of them, is for the
 * caller to free. Rules that deny are not among them, those with `keep: true` are. Of places to
 * mount only if what was seen allows a read-only root. 0, or a negative errno with ERR.
 */
int policy_find_stale(const PolicyText *text, const Policy *seen, size_t **ret_places,
                      size_t *ret_count, Error *err);

/*
 * The stale places in words, with since when nothing of RECORDING needed them: appended to OUT. If
 * REMOVE, those without `keep: true` are taken out of TEXT. *RET_REMOVABLE gets their number.
 */
int policy_prune(PolicyText *text, const Policy *seen, Recording *recording, bool remove,
                 size_t *ret_removable, Buffer *out, Error *err);
