/* SPDX-License-Identifier: Apache-2.0 */
/* How dangerous it is to allow something: the worst row of profiles/tables/risk.csv that fits it.
 */
#pragma once

#include "generator/glob_set.h"
#include "generator/knowledge.h"
#include "generator/seccomp_read.h"
#include "model/policy.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum Risk {
    RISK_NONE,
    RISK_LOW,
    RISK_MEDIUM,
    RISK_HIGH,
    RISK_CRITICAL,
    RISK_COUNT,
} Risk;

const char *risk_name(Risk risk);     /* "none", … */
int risk_from_name(const char *name); /* Risk or -1 */

/* SARIF's "level" of a result of RISK, and "security-severity" (CVSS's scale). */
const char *risk_sarif_level(Risk risk);
const char *risk_sarif_severity(Risk risk);

/* RISK_NONE of NULL. */
Risk risk_of_row(const RiskRow *row);

/* Of what RULE grants: of a file's, ACCESS of it. NULL: none is known. */
const RiskRow *risk_of_rule(const PolicyRule *rule, uint32_t access);

/* The worst row for a call of which the arguments in ARGS_KNOWN (bit i) are ARGS, the others
 * anything. */
const RiskRow *risk_of_call(const char *syscall, const uint64_t *args, uint8_t args_known);
bool risk_row_is_of_call(const RiskRow *row, const char *syscall);
/* The condition of a row such as "socket 0=AF_PACKET"; false: it has none. */
bool risk_row_condition(const RiskRow *row, SeccompCondition *ret);

/* The row of that name, or the one for all others; NULL: none. */
const RiskRow *risk_of_name(const char *kind, const char *name);
/* NULL is any. */
const RiskRow *risk_of_network(const char *family, const char *type);
/* What of FILE_* a row such as "/etc/shadow* r" is about, with its pattern in PATTERN; 0: it is
 * about no path. */
uint32_t risk_row_path(const RiskRow *row, char *pattern, size_t size);
/* The worst for one of FILE_* in ACCESS to something that PATTERN matches. */
const RiskRow *risk_of_path(const char *pattern, GlobSyntax syntax, uint32_t access);
