/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container as its engine describes it to the runtime: config.json in its bundle, and the file of
 * `exec --process`, by the OCI runtime specification (config.md, config-linux.md). Much of it comes
 * from the image, which nobody trusts. What has another type than it should counts as not there:
 * the runtime will say so.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct OciTexts {
    const char **list;
    size_t count;
} OciTexts;

typedef enum OciMountClass {
    OCI_MOUNT_OTHER, /* proc, sysfs, mqueue, cgroup, overlay, … */
    OCI_MOUNT_BIND,
    OCI_MOUNT_VOLUME, /* bound as well, from where engines have their volumes */
    OCI_MOUNT_TMPFS,
} OciMountClass;

typedef struct OciMount {
    const char *destination; /* never NULL */
    const char *type;        /* NULL: not given */
    const char *source;      /* NULL: not given */
    OciTexts options;
    OciMountClass class;
    bool read_only;
} OciMount;

typedef enum OciNamespaceUse {
    OCI_NAMESPACE_SHARED, /* with who runs the runtime: the host */
    OCI_NAMESPACE_NEW,
    OCI_NAMESPACE_JOINED, /* that of path: a pod's, another container's, the host's */
} OciNamespaceUse;

typedef enum OciNamespaceKind {
    OCI_NAMESPACE_CGROUP,
    OCI_NAMESPACE_IPC,
    OCI_NAMESPACE_MOUNT,
    OCI_NAMESPACE_NETWORK,
    OCI_NAMESPACE_PID,
    OCI_NAMESPACE_TIME,
    OCI_NAMESPACE_USER,
    OCI_NAMESPACE_UTS,
    OCI_NAMESPACES,
} OciNamespaceKind;

typedef struct OciNamespace {
    OciNamespaceUse use;
    const char *path; /* of a joined one, else NULL */
} OciNamespace;

typedef struct OciProcess {
    OciTexts args;
    OciTexts env;
    const char *cwd;      /* NULL: not given */
    const char *apparmor; /* profile; NULL: none */
    uint32_t uid, gid;
    uint32_t *groups; /* additionalGids */
    size_t groups_count;
    bool no_new_privileges;
    bool has_capabilities; /* false: the specification names none */
    OciTexts bounding, effective, permitted, inheritable, ambient; /* "CAP_CHOWN" */
} OciProcess;

/* All texts live as long as the bundle. */
typedef struct OciBundle {
    char *path; /* of the file that was read */
    OciProcess process;
    /* The rest is empty for a file of exec --process. */
    OciMount *mounts;
    size_t mounts_count;
    OciNamespace namespaces[OCI_NAMESPACES];
    const char *root;         /* as it is there: may be relative to the bundle; NULL: none */
    const char *cgroups_path; /* NULL: the runtime chooses */
    const char *hostname;     /* NULL: none */
    bool root_read_only;
    bool has_seccomp;           /* linux.seccomp is there */
    struct OciBundleText *text; /* private */
} OciBundle;

OciBundle *oci_bundle_free(OciBundle *bundle);
void oci_bundle_drop(OciBundle **bundle); /* for CLEANUP() */

/* Reads config.json, or the file CONFIG if not NULL (crun's --config), of the folder BUNDLE. */
int oci_bundle_read(const char *bundle, const char *config, OciBundle **ret, Error *err);

/* Reads a file of `exec --process`. */
int oci_bundle_read_process(const char *path, OciBundle **ret, Error *err);

/* Was it read by oci_bundle_read_process()? */
bool oci_bundle_is_process(const OciBundle *bundle);

/* The value of an annotation; NULL: it is not there. */
const char *oci_bundle_annotation(const OciBundle *bundle, const char *key);

/* The value of a variable in process.env, the last of that name; NULL: it is not there. */
const char *oci_bundle_variable(const OciBundle *bundle, const char *name);

/* What who made the container, or its image, wants of whittle: the annotations org.whittle.out,
 * org.whittle.label and org.whittle.record, else the variables WHITTLE_OUT, WHITTLE_LABEL and
 * WHITTLE_RECORD. What is empty, and a label that cannot be one, is as if not there. */
typedef struct OciWish {
    const char *out;   /* where to; NULL: not said. Only for oci_output(), which checks it */
    const char *label; /* NULL: not said */
    bool record;       /* false: "false", "no", "off" or "0" */
} OciWish;

void oci_bundle_wish(const OciBundle *bundle, OciWish *ret_wish);

/* Takes all variables WHITTLE_… out of process.env, in the file as well, which is replaced at once
 * and otherwise the same, owner and mode included (one without a name is written anew). 1 if there
 * were any, 0 if not (the file stays untouched), or a negative errno. */
int oci_bundle_strip(OciBundle *bundle, Error *err);

/* The text of the file as it is now, for changes by oci_json.h; and putting a changed one in its
 * place, as oci_bundle_strip() does (what BUNDLE tells besides stays as it was read). */
const char *oci_bundle_text(const OciBundle *bundle);
int oci_bundle_replace(OciBundle *bundle, const char *text, Error *err);
