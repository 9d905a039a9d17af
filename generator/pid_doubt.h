/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that went to many because the number of a process could not be had, and what came of
 * that. */
#pragma once

#include "generator/judge.h"

/*
 * Sets the doubt of each of FINDINGS that is a signal to all processes or to a group, if each
 * program that sent it, or one that it descends from, was refused a call of CAUSES (of the same
 * RECORDING; it may be FINDINGS) whose answer is the number of a process:
 * profiles/tables/pid_calls.csv. Then also that of write() and writev(), if who made it sent such a
 * signal, which was refused: it may be an error message. What is in doubt already stays so.
 * Recordings hold no pids: a process is known by its program.
 */
void pid_doubt_mark(Findings *findings, const Findings *causes, const Recording *recording);
