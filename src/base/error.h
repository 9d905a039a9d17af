/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors that cross a module boundary.
 *
 * Functions return 0 or a negative errno; a positive value is a documented verdict. Where a person
 * must be told more than an errno, the function takes an Error and fills it before returning the
 * negative code. An Error is untouched on success, and may always be NULL.
 */
#pragma once

#include <stddef.h>

#define ERROR_TEXT_MAX 1024

typedef struct Error {
    int code;                  /* negative errno, 0 while unset */
    char text[ERROR_TEXT_MAX]; /* one sentence: what, where, what to do; no trailing newline */
} Error;

/* Fills ERR (NULL allowed) and returns CODE, which is made negative if it is not. */
int error_set(Error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As error_set(), with ": " and the errno's own text appended. */
int error_errno(Error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The two above never give 0 or more. Analyzers, which do not see into them, shall know. */
static inline int error_is_negative(int code)
{
    if (code >= 0)
        __builtin_unreachable();
    return code;
}
#define error_set(...)   error_is_negative((error_set)(__VA_ARGS__))
#define error_errno(...) error_is_negative((error_errno)(__VA_ARGS__))

/* Puts "PREFIX: " before the text that is there: adds where to what. */
void error_prefix(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The symbolic name of errno value N ("ENOENT"), or NULL if N is not one. */
const char *errno_name(int n);

/* The errno value called NAME, or -1. */
int errno_from_name(const char *name);
