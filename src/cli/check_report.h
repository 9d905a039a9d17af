/* SPDX-License-Identifier: Apache-2.0 */
/* What `whittle check` says in the end. */
#pragma once

#include "base/error.h"
#include "generator/findings_report.h"

/* Writes REPORT in FORMAT ("text", "json", "junit", "sarif") to PATH, NULL: standard output. 0, or
 * a negative errno with ERR. */
int check_write_report(const char *format, const char *path, const FindingsReport *report,
                       Error *err);

/* Adds to the policy's file PATH what was found, except what it denies, and says so. 0, or a
 * negative errno with ERR. */
int check_accept(const char *path, const Findings *findings, Error *err);

/* The sections that LIST, the value of --only, names, as bits; all if it is NULL. 0 or -EINVAL with
 * ERR. */
int check_sections(const char *list, uint32_t *ret, Error *err);
