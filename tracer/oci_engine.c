/* SPDX-License-Identifier: Apache-2.0 */
/*
 * - Docker: FOLDER/ID/config.v2.json, where FOLDER/ID is also what /etc/hosts, /etc/hostname and
 *   /etc/resolv.conf are bound from; the bundle itself is containerd's.
 * - Podman: the bundle is STORAGE/overlay-containers/ID/userdata, and containers.json there lists
 *   all (volatile-containers.json those of --rm, since containers/storage 1.46).
 * - Kubernetes: annotations, containerd's (io.kubernetes.cri.…) or CRI-O's (io.kubernetes.cri-o.…).
 * - nerdctl: annotations.
 */
#include "tracer/oci_engine.h"

#include "base/memory.h"
#include "tracer/oci_json.h"

#include <errno.h>
#include <jansson.h>

void oci_identity_deinit(OciIdentity *identity)
{
    free(identity->name);
    free(identity->image);
    free(identity->image_digest);
    free(identity->service);
    *identity = (OciIdentity){0};
}

/* Keeps a copy of VALUE, unless there is one or VALUE is nothing. */
static int keep(char **text, const char *value)
{
    if (*text || !value || !*value)
        return 0;
    *text = strdup(value);
    return *text ? 0 : -ENOMEM;
}

typedef struct Subject {
    const OciBundle *bundle;
    const char *id;
} Subject;

/* ---- Docker ---------------------------------------------------------------------------------- */

/* The folder of the container, if PATH is in one: "/…/ID/hosts". To be freed; NULL: it is not. */
static char *docker_folder(const char *path, const char *id)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    const size_t length = strlen(id);

    if (!slash || length == 0 || (size_t)(slash - path) <= length)
        return NULL;
    const char *begin = slash - length;
    if (strncmp(begin, id, length) != 0 || begin[-1] != '/')
        return NULL;
    return strndup(path, (size_t)(slash - path));
}

static int read_docker_file(const char *folder, const char *id, OciIdentity *identity, bool *ret_it)
{
    CLEANUP(free_pointer) char *path = NULL;
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(oci_json_drop) json_t *json = NULL;

    if (asprintf(&path, "%s/config.v2.json", folder) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    const int read = oci_json_read(path, &text, &json, NULL);
    const char *its_id = oci_json_text(json, "ID");
    if (read < 0 || !its_id || strcmp(its_id, id) != 0)
        return read == -ENOMEM ? read : 0;
    const json_t *config = json_object_get(json, "Config");
    const char *name = oci_json_text(json, "Name");
    const char *service =
        oci_json_text(json_object_get(config, "Labels"), "com.docker.compose.service");
    int r = keep(&identity->name, name && name[0] == '/' ? name + 1 : name);
    if (r == 0)
        r = keep(&identity->image, oci_json_text(config, "Image"));
    if (r == 0)
        r = keep(&identity->image_digest, oci_json_text(json, "Image"));
    if (r == 0)
        r = keep(&identity->service, service);
    identity->engine = "docker";
    *ret_it = true;
    return r;
}

static int read_docker(const Subject *subject, OciIdentity *identity)
{
    const OciBundle *bundle = subject->bundle;
    bool found = false;
    int r = 0;

    for (size_t i = 0; i < bundle->mounts_count && r == 0 && !found; i++) {
        CLEANUP(free_pointer)
        char *folder = docker_folder(bundle->mounts[i].source, subject->id);
        if (folder)
            r = read_docker_file(folder, subject->id, identity, &found);
    }
    return r;
}

/* ---- Podman ---------------------------------------------------------------------------------- */

/* What STORAGE/overlay-containers lists of the container. */
static int read_storage_entry(const json_t *entry, OciIdentity *identity)
{
    const char *image = oci_json_text(entry, "image");
    const char *metadata = oci_json_text(entry, "metadata");
    CLEANUP(oci_json_drop) json_t *more = NULL;
    char digest[80];

    /* The name that was given, and that of the image, are in JSON in a text. */
    if (metadata && oci_json_parse("metadata", metadata, strlen(metadata), &more, NULL) == -ENOMEM)
        return -ENOMEM;
    int r = keep(&identity->name,
                 json_string_value(json_array_get(json_object_get(entry, "names"), 0)));
    if (r == 0)
        r = keep(&identity->name, oci_json_text(more, "name"));
    if (r == 0)
        r = keep(&identity->image, oci_json_text(more, "image-name"));
    if (r == 0 && image && strlen(image) == 64) {
        (void)snprintf(digest, sizeof digest, "sha256:%s", image);
        r = keep(&identity->image_digest, digest);
    }
    return r;
}

static int read_storage_list(const char *path, const char *id, OciIdentity *identity)
{
    CLEANUP(oci_json_drop) json_t *list = NULL;

    if (oci_json_read_array(path, &list, NULL) == -ENOMEM)
        return -ENOMEM;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const char *entry_id = oci_json_text(entry, "id");
        if (entry_id && strcmp(entry_id, id) == 0)
            return read_storage_entry(entry, identity);
    }
    return 0;
}

static const char *annotation(const Subject *subject, const char *key)
{
    return oci_bundle_annotation(subject->bundle, key);
}

/* CRI-O has the same storage, but says all by annotations. */
static int read_podman(const Subject *subject, OciIdentity *identity)
{
    static const char *const lists[] = {"containers.json", "volatile-containers.json"};
    static const char in_folder[] = "/userdata/config.json";
    const char *path = subject->bundle->path;
    const char *manager = annotation(subject, "io.container.manager");
    const size_t tail = strlen(subject->id) + sizeof in_folder - 1;
    const size_t length = strlen(path);
    int r = 0;

    if (!manager || strcmp(manager, "libpod") != 0)
        return 0;
    identity->engine = "podman";
    if (length <= tail || strncmp(path + length - tail, subject->id, strlen(subject->id)) != 0 ||
        strcmp(path + length - (sizeof in_folder - 1), in_folder) != 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LENGTH(lists) && r == 0; i++) {
        CLEANUP(free_pointer) char *list = NULL;
        if (asprintf(&list, "%.*s%s", (int)(length - tail), path, lists[i]) < 0) {
            list = NULL;
            return -ENOMEM;
        }
        r = read_storage_list(list, subject->id, identity);
    }
    return r;
}

/* ---- annotations ----------------------------------------------------------------------------- */

typedef struct Keys {
    const char *engine;
    const char *sign; /* it is this engine's if this one is there */
    const char *name, *pod, *pod_namespace, *image, *image_digest, *service;
} Keys;

static const Keys annotations[] = {
    {
        .engine = "containerd",
        .sign = "io.kubernetes.cri.container-type",
        .name = "io.kubernetes.cri.container-name",
        .pod = "io.kubernetes.cri.sandbox-name",
        .pod_namespace = "io.kubernetes.cri.sandbox-namespace",
        .image = "io.kubernetes.cri.image-name",
        .image_digest = "io.kubernetes.cri.image-id",
        .service = "io.kubernetes.cri.container-name",
    },
    {
        .engine = "cri-o",
        .sign = "io.kubernetes.cri-o.ContainerType",
        .name = "io.kubernetes.container.name",
        .pod = "io.kubernetes.pod.name",
        .pod_namespace = "io.kubernetes.pod.namespace",
        .image = "io.kubernetes.cri-o.ImageName",
        .image_digest = "io.kubernetes.cri-o.ImageRef",
        .service = "io.kubernetes.container.name",
    },
    {
        .engine = "nerdctl",
        .sign = "nerdctl/name",
        .name = "nerdctl/name",
        .service = "com.docker.compose.service",
    },
};

static const char *value_of(const Subject *subject, const char *key)
{
    const char *value = key ? annotation(subject, key) : NULL;

    return value && *value ? value : NULL;
}

/* NAMESPACE/POD/CONTAINER, as far as they are there; the pod's own container has no name. */
static char *full_name(const Subject *subject, const Keys *keys)
{
    const char *parts[] = {
        value_of(subject, keys->pod_namespace),
        value_of(subject, keys->pod),
        value_of(subject, keys->name),
    };
    Buffer name = BUFFER_INIT;

    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (parts[i])
            (void)buffer_printf(&name, "%s%s", name.length ? "/" : "", parts[i]);
    }
    return buffer_steal(&name);
}

static int read_annotations(const Subject *subject, OciIdentity *identity)
{
    for (size_t i = 0; i < ARRAY_LENGTH(annotations); i++) {
        const Keys *keys = &annotations[i];
        if (identity->engine || !annotation(subject, keys->sign))
            continue;
        CLEANUP(free_pointer) char *name = full_name(subject, keys);
        int r = name ? keep(&identity->name, name) : -ENOMEM;
        if (r == 0)
            r = keep(&identity->image, value_of(subject, keys->image));
        if (r == 0)
            r = keep(&identity->image_digest, value_of(subject, keys->image_digest));
        if (r == 0)
            r = keep(&identity->service, value_of(subject, keys->service));
        identity->engine = keys->engine;
        return r;
    }
    return 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

int oci_identity_read(const OciBundle *bundle, const char *id, OciIdentity *ret)
{
    /* Annotations come last, since an image may bring some. */
    static int (*const readers[])(const Subject *subject, OciIdentity *identity) = {
        read_docker, read_podman, read_annotations};
    CLEANUP(oci_identity_deinit) OciIdentity identity = {0};
    const Subject subject = {.bundle = bundle, .id = id};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(readers) && r == 0; i++)
        r = readers[i](&subject, &identity);
    if (r < 0)
        return r;
    /* containerd's bundles are in FOLDER/io.containerd.runtime.v2.task/NAMESPACE/ID. */
    if (!identity.engine && strstr(bundle->path, "/io.containerd.runtime.v"))
        identity.engine = "containerd";
    *ret = identity;
    identity = (OciIdentity){0};
    return 0;
}
