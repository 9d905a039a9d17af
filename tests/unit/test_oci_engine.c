/* SPDX-License-Identifier: Apache-2.0 */
/* What engines know of their containers, from files and annotations as they write them. */
#include "base/memory.h"
#include "own_folder.h"
#include "suite.h"
#include "tracer/oci_engine.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER  "ffff456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LIBPOD "{\"annotations\":{\"io.container.manager\":\"libpod\"}}"

/* Writes TEXT, in which "@" stands for the test's folder, to PATH in it, with the folders. */
static void write_text(const char *path, const char *text)
{
    char copy[PATH_MAX];

    (void)snprintf(copy, sizeof copy, "%s", path);
    for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0755);
        *slash = '/';
    }
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    for (; *text; text++) {
        if (*text == '@')
            ck_assert_int_ge(fputs(own_folder, file), 0);
        else
            ck_assert_int_eq(fputc(*text, file), *text);
    }
    ck_assert_int_eq(fclose(file), 0);
}

static const struct {
    const char *bundle; /* its folder, in the test's */
    const char *config;
    const char *path, *text; /* another file; NULL: none */
    OciIdentity want;
} rows[] = {
    {.bundle = "b", .config = "{}"},
    {
        .bundle = "io.containerd.runtime.v2.task/moby/" ID,
        .config = "{\"mounts\":[{\"destination\":\"/proc\"},{\"destination\":\"/etc/hosts\","
                  "\"source\":\"@/d/containers/" ID "/hosts\"}]}",
        .path = "d/containers/" ID "/config.v2.json",
        .text = "{\"ID\":\"" ID "\",\"Name\":\"/web\",\"Image\":\"sha256:12\",\"Config\":{"
                "\"Image\":\"nginx:1\",\"Labels\":{\"com.docker.compose.service\":\"front\"}}}",
        .want = {"docker", (char[]){"web"}, (char[]){"nginx:1"}, (char[]){"sha256:12"},
                 (char[]){"front"}},
    },
    {
        /* a file of another container, bound in; and one that is no JSON */
        .bundle = "io.containerd.runtime.v2.task/default/" ID,
        .config = "{\"mounts\":[{\"destination\":\"/a\",\"source\":\"@/d/" ID "/hosts\"},"
                  "{\"destination\":\"/b\",\"source\":\"" ID "\"},"
                  "{\"destination\":\"/c\",\"source\":\"/\"}]}",
        .path = "d/" ID "/config.v2.json",
        .text = "{\"ID\":\"" OTHER "\",\"Name\":\"/web\"}",
        .want = {.engine = "containerd"},
    },
    {
        .bundle = "s/overlay-containers/" ID "/userdata",
        .config = LIBPOD,
        .path = "s/overlay-containers/containers.json",
        .text =
            "[{\"id\":\"" OTHER "\",\"names\":[\"other\"]},{\"id\":\"" ID "\",\"names\":[\"web\"],"
            "\"image\":\"" OTHER "\",\"metadata\":\"{\\\"image-name\\\":\\\"localhost/i:1\\\","
            "\\\"name\\\":\\\"web\\\"}\"}]",
        .want = {"podman", (char[]){"web"}, (char[]){"localhost/i:1"}, (char[]){"sha256:" OTHER}},
    },
    {
        .bundle = "s/overlay-containers/" ID "/userdata",
        .config = LIBPOD,
        .path = "s/overlay-containers/volatile-containers.json",
        .text = "[3,{\"id\":1},{\"id\":\"" ID "\",\"names\":{},\"image\":\"short\","
                "\"metadata\":\"{\\\"name\\\":\\\"web\\\"}\"}]",
        .want = {.engine = "podman", .name = (char[]){"web"}},
    },
    {
        .bundle = "s/overlay-containers/" ID "/userdata",
        .config = LIBPOD,
        .path = "s/overlay-containers/containers.json",
        .text = "{\"id\":\"" ID "\"}",
        .want = {.engine = "podman"},
    },
    {
        .bundle = "io.containerd.runtime.v2.task/k8s.io/" ID,
        .config = "{\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\","
                  "\"io.kubernetes.cri.container-name\":\"app\","
                  "\"io.kubernetes.cri.image-name\":\"reg/app:2\","
                  "\"io.kubernetes.cri.sandbox-name\":\"app-5d\","
                  "\"io.kubernetes.cri.sandbox-namespace\":\"prod\"}}",
        .want = {"containerd", (char[]){"prod/app-5d/app"}, (char[]){"reg/app:2"}, NULL,
                 (char[]){"app"}},
    },
    {
        .bundle = "b",
        .config =
            "{\"annotations\":{\"io.container.manager\":\"cri-o\","
            "\"io.kubernetes.cri-o.ContainerType\":\"container\","
            "\"io.kubernetes.container.name\":\"app\",\"io.kubernetes.pod.name\":\"p\","
            "\"io.kubernetes.cri-o.ImageName\":\"i\",\"io.kubernetes.cri-o.ImageRef\":\"r\"}}",
        .want = {"cri-o", (char[]){"p/app"}, (char[]){"i"}, (char[]){"r"}, (char[]){"app"}},
    },
    {
        .bundle = "io.containerd.runtime.v2.task/default/" ID,
        .config = "{\"annotations\":{\"nerdctl/name\":\"web\"}}",
        .want = {.engine = "nerdctl", .name = (char[]){"web"}},
    },
    {
        /* an image that says it is a pod's */
        .bundle = "b",
        .config = "{\"annotations\":{\"io.container.manager\":\"libpod\","
                  "\"io.kubernetes.cri.container-type\":\"container\","
                  "\"io.kubernetes.cri.container-name\":\"app\"}}",
        .want = {.engine = "podman"},
    },
};

START_TEST(test_rows)
{
    CLEANUP(oci_bundle_drop) OciBundle *bundle = NULL;
    CLEANUP(oci_identity_deinit) OciIdentity have = {0};
    const OciIdentity *want = &rows[_i].want;
    char path[PATH_MAX];
    Error err = {0};

    own_folder_enter();
    (void)snprintf(path, sizeof path, "%s/config.json", rows[_i].bundle);
    write_text(path, rows[_i].config);
    if (rows[_i].path)
        write_text(rows[_i].path, rows[_i].text);
    (void)snprintf(path, sizeof path, "%s/%s", own_folder, rows[_i].bundle);
    ck_assert_msg(oci_bundle_read(path, NULL, &bundle, &err) == 0, "%s", err.text);
    ck_assert_int_eq(oci_identity_read(bundle, ID, &have), 0);
    ck_assert_pstr_eq(have.engine, want->engine);
    ck_assert_pstr_eq(have.name, want->name);
    ck_assert_pstr_eq(have.image, want->image);
    ck_assert_pstr_eq(have.image_digest, want->image_digest);
    ck_assert_pstr_eq(have.service, want->service);
    own_folder_leave();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oci_engine");

    suite_add(suite, "rows", test_rows, ARRAY_LENGTH(rows));
    return suite_run(suite);
}
