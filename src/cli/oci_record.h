/* SPDX-License-Identifier: Apache-2.0 */
/* What whittle-oci does before it becomes the runtime. */
#pragma once

#include "base/error.h"
#include "tracer/oci_arguments.h"
#include "tracer/oci_config.h"

/* `create` and `run`: a recorder in the background, which is ready; it will follow this process.
 * RUNTIME is the real one. 0, also if the container is not to be recorded; 1 with a warning in ERR;
 * or a negative errno with ERR. */
int oci_record_container(const OciConfig *config, const char *runtime,
                         const OciArguments *arguments, Error *err);

/* `exec`: the container's recorder, if it has one, follows this process too. */
int oci_record_exec(const OciConfig *config, const OciArguments *arguments, Error *err);
