/* SPDX-License-Identifier: Apache-2.0 */
/* What the groups of recordings are called, which is also their folders' names. */
#pragma once

#include "generator/inputs.h"

/*
 * Names each of INPUTS, which are in their order, after its service, image or command; where that
 * is not enough to tell them apart also after the image, its tag, its digest, and last by number.
 * No two names are the same. 0 or a negative errno with ERR.
 */
int input_names_set(GenerateInputs *inputs, Error *err);
