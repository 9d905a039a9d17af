/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the recording of a container goes. What is wanted may come from the image, which nobody
 * trusts: nothing ever leaves the folder of the configuration, and nothing is ever replaced.
 */
#pragma once

#include "base/error.h"
#include "tracer/oci_config.h"

#include <time.h>

/*
 * Makes an empty file for it, which no other container can get then, and gives its path, which the
 * caller frees; to be replaced by the recording, or removed if there will be none.
 *
 * WANTED is a path below CONFIG's output, or an absolute one that is: no "..", no ".", no empty
 * component, no control characters, and no symbolic links on the way. Folders are made. If it is
 * there already it gets a number before its extension: api.jsonl, api-2.jsonl, … NULL, a folder
 * that is there, or a path that ends in "/" (folder): the name is NAME-ID-YYYYMMDDTHHMMSSZ.jsonl,
 * with what cannot be in a name as "_", the first 12 of ID, and WHEN in UTC. NAME may be NULL.
 *
 * 0 or a negative errno.
 */
int oci_output(const OciConfig *config, const char *wanted, const char *name, const char *id,
               time_t when, char **ret_path, Error *err);
