/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings to infer a policy from, and a look at that policy, for tests. Failures abort. */
#pragma once

#include "base/buffer.h"
#include "model/policy.h"
#include "recording_maker.h"

enum { FACTS_MAX = 4 }; /* in a row of a test */

/* Has one run, on x86_64, and no facts. */
Recording *new_recording(void);

/* FACT, of /bin/x. */
void add_fact(Recording *recording, Fact fact, int result);

/* OWNER: -1 not known. */
void add_file(Recording *recording, const char *path, uint32_t access, int owner, const char *type);

/* PRESENT: a bit for each of the three arguments that is known. */
void add_call(Recording *recording, const char *name, const char *arch, unsigned present,
              uint64_t a0, uint64_t a1, uint64_t a2);

Policy *infer(Recording *recording, bool conditions, Buffer *notes);

/* WANTED: all rules of SECTION, a line each. */
void check_section(const Policy *policy, PolicySection section, const char *wanted);

/* The same of the policy that is inferred from RECORDING, with conditions. */
void check_inferred(Recording *recording, PolicySection section, const char *wanted);
