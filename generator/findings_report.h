/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as programs read them, and what each says to a person. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "generator/judge.h"
#include "model/policy_text.h"

/* How far a part of the policy was in force: `whittle verify`. */
typedef enum LayerState {
    LAYER_ENFORCED,
    LAYER_PARTLY,  /* what is refused is outside the policy, but not all that is outside is refused
                    */
    LAYER_WATCHED, /* nothing is refused */
} LayerState;

typedef struct Layer {
    const char *name; /* what of the policy: "syscalls", "signals", … */
    LayerState state;
    char *detail; /* owned: by what, how much of it, or why not */
} Layer;

/* "enforced", "partly", "watched" */
const char *layer_state_name(LayerState state);

/* What came of a run under a policy. */
typedef struct Verification {
    const Layer *layers;
    size_t layers_count;
    const Findings *intended; /* refused by a rule of the policy that says so */
    int expected_status;      /* without the policy in force; -1 not known */
} Verification;

typedef struct FindingsReport {
    const Findings *findings;
    const Recording *recording; /* that they are of */
    const Policy *policy;
    const char *policy_path;
    const char *command;              /* what was run, on one line; NULL: a recording was judged */
    int exit_status;                  /* the command's; -1 unknown */
    const char *version;              /* whittle's */
    const Verification *verification; /* NULL: nothing was enforced */
    /* Rules that nothing needed, if that was asked; else NULL and 0. */
    const PolicyText *text;
    const size_t *unused; /* places of TEXT */
    size_t unused_count;
} FindingsReport;

/* "system call ptrace", "file /etc/shadow r", …: what FINDING is about, one line without its end.
 */
int finding_title(const Finding *finding, Buffer *out);

/* "risk: high: forges traffic (CVE-…)", one line with its end; nothing where there is none. */
int finding_risk(const Finding *finding, Buffer *out);

/* Why no rule is proposed for it, if a refused call may have caused it: one line with its end;
 * nothing where there is no doubt. */
int finding_doubt(const Finding *finding, Buffer *out);

/* The rule that is proposed for FINDING: borrowed. */
const char *finding_proposed(const Finding *finding);

/* "proposed: /tmp/x.?????? rw: a made-up name (grants …)": one line with its end; nothing where
 * that is the finding's own rule or none is proposed. */
int finding_proposal(const Finding *finding, Buffer *out);

/*
 * Who did it, and in which test: "by /usr/bin/cat (cat /etc/shadow), 3 times, label login", a
 * line for each program. At most LIMIT (0: all), with the rest counted in one more line, and
 * command lines shortened. Of a system call or capability the files that were first named by such
 * a call follow, the first three of them: "  of /srv/data, /srv/cache".
 */
int finding_who(const Finding *finding, const Recording *recording, size_t limit, Buffer *out);

/* A policy of the rules that would allow all of FINDINGS that no rule denies and that are in no
 * doubt, sorted. 0, or a negative errno with ERR. */
int findings_policy(const Findings *findings, Policy **ret_policy, Error *err);

/* The lines that a person adds to the policy to allow the same, by section. */
int findings_as_policy(const Findings *findings, Buffer *out);

/* The program ended as it does without the policy, or, where that is not known, successfully. */
bool findings_tolerated(const FindingsReport *report);

/* profiles/schema/check.schema.json, or with a verification verify.schema.json */
int findings_json(const FindingsReport *report, Buffer *out);

/* One finding as an object on one line, that was made at TIME (RFC 3339). */
int finding_json_line(const Finding *finding, const Recording *recording, const char *time,
                      Buffer *out);

/* A test suite: a case a finding that failed, or one that passed. */
int findings_junit(const FindingsReport *report, Buffer *out);

/* SARIF 2.1.0, where the policy is the file that the results are about. */
int findings_sarif(const FindingsReport *report, Buffer *out);
