/* SPDX-License-Identifier: Apache-2.0 */
/* What `whittle verify` found, for a person; and the change to the policy that it proposes. */
#pragma once

#include "cli/command.h"
#include "generator/findings_report.h"

/* Moves from FINDINGS to INTENDED (empty) calls that a rule of the policy refuses: that is what the
 * policy wants. 0 or -ENOMEM. */
int verify_part(Findings *findings, Findings *intended);

int verify_text(const FindingsReport *report, Buffer *out);

/* Writes to PATH ("-": standard output) a diff by which patch(1) makes the report's policy allow
 * its findings. Says how many rules. 0 or a negative errno with ERR. */
int verify_write_fix(const FindingsReport *report, const char *path, Error *err);

/* Writes the report as --format and --output of PARSED say, and the proposal as --fix does. 0 or a
 * negative errno with ERR. */
int verify_write_report(const FindingsReport *report, const Parsed *parsed, Error *err);
