/* SPDX-License-Identifier: Apache-2.0 */
/* What `whittle verify` found, for a person; and the change to the policy that it proposes. */
#pragma once

#include "cli/command.h"
#include "generator/findings_report.h"

/* Moves from FINDINGS to INTENDED (empty) calls that a rule of the policy refuses: that is what the
 * policy wants. 0 or -ENOMEM. */
int verify_part(Findings *findings, Findings *intended);

/* Was one of FINDINGS refused, and not only seen? */
bool verify_any_refused(const Findings *findings);

/* When it is known what was refused: signals that a refused call may have caused are not to be
 * proposed. */
void verify_doubt(Findings *findings, const Findings *intended, const Recording *recording);

int verify_text(const FindingsReport *report, Buffer *out);

/* Writes the report as --format and --output of PARSED say, and the proposal as --fix does. 0 or a
 * negative errno with ERR. */
int verify_write_report(const FindingsReport *report, const Parsed *parsed, Error *err);
