/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the kernel side takes longer than starting a container. So there is a spare recorder, a
 * process in the background that has loaded it and waits for the next container: it then becomes
 * that one's recorder, and starts the next spare. It ends if it is not needed for a while. While it
 * waits nothing is attached: it costs memory alone.
 */
#pragma once

#include "cli/oci_job.h"

/* The spare does it, and is ready; one that is still loading is waited for. 0; -ENOENT: there is no
 * spare that could; another negative errno with ERR: it failed. */
int oci_spare_ask(const OciJob *job, Error *err);

/* Starts one, which takes a while to be there. CONFIGURATION is OciJob's. Of the environment it
 * gets what whittle itself heeds. */
void oci_spare_start(const char *configuration);

/* As this the program is started then; gives its exit status. */
#define OCI_SPARE_COMMAND "--wait-for-a-container"
int oci_spare_main(void);
