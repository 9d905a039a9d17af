/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong, dangerous or pointless in a policy. profiles/tables/lint.csv has all that can be
 * found, docs/FORMATS.md says how a finding is accepted.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "generator/knowledge.h"
#include "model/policy_text.h"

typedef enum LintSeverity {
    LINT_NOTE,    /* worth knowing */
    LINT_WARNING, /* probably a mistake, or dangerous */
    LINT_ERROR,   /* the policy does not do what it says, or confines nobody */
    LINT_SEVERITY_COUNT,
} LintSeverity;

const char *lint_severity_name(LintSeverity severity);
int lint_severity_from_name(const char *name); /* LintSeverity or -1 */
LintSeverity lint_severity(const LintCode *code);

/* NULL if there is none of that name. */
const LintCode *lint_code(const char *name);

/* The code of which NAME may be a misspelling, or NULL. */
const char *lint_code_nearest(const char *name);

typedef struct LintFinding {
    const LintCode *code;
    int section; /* PolicySection of the rule; -1: it is about the policy as a whole */
    size_t line, column, last_line;
    char *rule;     /* owned: the rule's text; NULL */
    char *text;     /* owned: what was found, one line of UTF-8 without control characters */
    char *accepted; /* owned: the reason for which somebody has accepted it; NULL */
} LintFinding;

typedef struct LintReport {
    LintFinding *items; /* sorted by line, column, code, text */
    size_t count, capacity;
} LintReport;

void lint_report_deinit(LintReport *report);

/* How many findings of at least SEVERITY nobody has accepted. */
size_t lint_report_count(const LintReport *report, LintSeverity severity);

/* Looks for everything in TEXT, as it was read. 0, or a negative errno with ERR and *RET_REPORT
 * untouched. */
int lint_policy(const PolicyText *text, LintReport *ret_report, Error *err);

/* ---- reports ----------------------------------------------------------------------------------
 */

/* Escape sequences, "" for none. */
typedef struct LintColours {
    const char *bold, *dim, *red, *yellow, *plain;
} LintColours;

/* What a report is of and how it is written. */
typedef struct LintPage {
    const LintReport *report;
    const PolicyText *text;
    const char *version;        /* whittle's */
    const LintColours *colours; /* of text */
    LintSeverity fail_on;       /* from which on a test case fails (JUnit) */
    bool all;                   /* text: what was accepted, and every note */
} LintPage;

/* A line a finding, as compilers write it, with what to do below. */
int lint_print_text(const LintPage *page, Buffer *out);
/* profiles/schema/lint.schema.json */
int lint_print_json(const LintPage *page, Buffer *out);
/* SARIF 2.1.0 */
int lint_print_sarif(const LintPage *page, Buffer *out);
/* A test suite: a case a finding, or one that passed. */
int lint_print_junit(const LintPage *page, Buffer *out);

/* All that is to be said about CODE, as plain text. */
int lint_explain(const LintCode *code, Buffer *out);
