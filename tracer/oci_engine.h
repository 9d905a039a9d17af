/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine knows of a container that it does not tell the runtime, from the engine's own
 * files and the annotations that it leaves. No engine is asked: it waits for the runtime, which we
 * are. What cannot be found out stays unknown.
 */
#pragma once

#include "tracer/oci_bundle.h"

typedef struct OciIdentity {
    const char *engine; /* "docker", "podman", "cri-o", "nerdctl", "containerd"; NULL: not known.
                         * Not owned */
    char *name;  /* as the user calls it; of a pod: NAMESPACE/POD/CONTAINER; NULL: not known */
    char *image; /* as it was asked for; NULL: not known */
    char *image_digest; /* "sha256:…", of what the engine calls the image's id; NULL: not known */
    char *service;      /* compose's service, or a pod's container; NULL: none */
} OciIdentity;

void oci_identity_deinit(OciIdentity *identity);

/* Of the container ID whose description BUNDLE is. 0 or -ENOMEM. */
int oci_identity_read(const OciBundle *bundle, const char *id, OciIdentity *ret);
