/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of test_capture.c: events made by hand, and all facts that come of them. */
#pragma once

#include "capture_maker.h"
#include "suite.h"
#include "tracer/capture.h"

typedef struct Site {
    char folder[64]; /* of real files, for what is looked up */
    Recording *recording;
    Observer *observer;
    Capture *capture;
    Maker maker;
} Site;

typedef struct CaptureRow {
    const char *name;
    void (*make)(Site *site);
    const char *facts; /* a line each, in canonical order, with @ for the folder; losses behind */
} CaptureRow;

/* Ended by a row without name. */
extern const CaptureRow capture_rows_files[];
extern const CaptureRow capture_rows_io_uring[];
extern const CaptureRow capture_rows_network[];
extern const CaptureRow capture_rows_processes[];

/* Takes the event in the maker. */
void site_take(Site *site);

void site_tell_program(Site *site, uint32_t number, const char *path);

/* The real path of NAME in the folder; the last four are kept. */
const char *site_path(const Site *site, const char *name);

void site_make_file(const Site *site, const char *name, const char *content);

/* A call with one path argument, its first, from the folder. */
void site_path_call(Site *site, const char *name, int64_t result, const char *raw);
