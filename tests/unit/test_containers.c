/* SPDX-License-Identifier: Apache-2.0 */
/* Which container a name means, and which cgroup is a container's. */
#include "base/memory.h"
#include "suite.h"
#include "tracer/containers.h"

#include <errno.h>

#define A64 "aaaa567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef"
#define B64 "aaab567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef"
#define C64 "c0de567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef"

static const struct {
    const char *id, *name, *image;
    bool stopped;
} there[] = {
    {A64, NULL, NULL, false},         {B64, "c0de", "example.org/b", false},
    {C64, "shop", NULL, true},        {"web", NULL, NULL, false},
    {A64, "front", "nginx:1", false}, {"web-2", NULL, NULL, false},
    {C64 "0", "c0d", NULL, false},
};

static const struct {
    const char *name;
    int code;
    const char *found; /* its id, or what ERR must have in it */
} names[] = {
    {A64, 0, A64},
    {"front", 0, A64},
    {"aaaa", 0, A64},
    {"aaab5", 0, B64},
    {"c0de", 0, B64}, /* a name is taken before the beginning of an id */
    {"c0d", 0, C64 "0"},
    {"web", 0, "web"}, /* a whole id before the beginning of another */
    {"web-", 0, "web-2"},
    {"aaa", -ENOTUNIQ, "front (aaaa567890ab), c0de (aaab567890ab). Give more"},
    {"we", -ENOTUNIQ, "web, web-2"},
    {"shop", -ESRCH, "does not run"},
    {"fron", -ENOENT, "there are front (aaaa567890ab), c0de"},
    {"", -ENOENT, "there is no container"},
};

static void fill(Containers *containers)
{
    for (size_t i = 0; i < ARRAY_LENGTH(there); i++) {
        CLEANUP(container_deinit)
        Container one = {
            .id = strdup(there[i].id),
            .name = there[i].name ? strdup(there[i].name) : NULL,
            .image = there[i].image ? strdup(there[i].image) : NULL,
            .stopped = there[i].stopped,
        };
        ck_assert_int_eq(containers_add(containers, &one), 0);
    }
}

START_TEST(test_names)
{
    CLEANUP(containers_deinit) Containers containers = {0};
    const Container *found = NULL;
    Error err = {0};

    fill(&containers);
    const int r = containers_find(&containers, names[_i].name, &found, &err);
    ck_assert_msg(r == names[_i].code, "%s: %d %s", names[_i].name, r, err.text);
    if (r == 0) {
        ck_assert_str_eq(found->id, names[_i].found);
    } else {
        ck_assert_ptr_null(found);
        ck_assert_msg(strstr(err.text, names[_i].found) != NULL, "%s", err.text);
    }
}
END_TEST

START_TEST(test_united)
{
    CLEANUP(containers_deinit) Containers containers = {0};
    CLEANUP(container_deinit) Container copy = {0};
    const Container *found = NULL;

    fill(&containers);
    ck_assert_uint_eq(containers.count, ARRAY_LENGTH(there) - 1);
    ck_assert_int_eq(containers_find(&containers, A64, &found, NULL), 0);
    ck_assert_int_eq(container_copy(found, &copy), 0);
    ck_assert_str_eq(copy.name, "front");
    ck_assert_str_eq(copy.image, "nginx:1");
    ck_assert_ptr_null(copy.runtime);
}
END_TEST

static const struct {
    const char *name;
    size_t at; /* where the id begins; SIZE_MAX: none */
} cgroups[] = {
    {A64, 0},
    {"docker-" A64 ".scope", 7},
    {"libpod-" A64, 7},
    {"libpod-" A64 ".scope", 7},
    {"cri-containerd-" A64 ".scope", 15},
    {"kubepods-pod1:cri-containerd:" A64, 29},
    {"libpod-conmon-" A64 ".scope", SIZE_MAX},
    {"crio-conmon-" A64 ".scope", SIZE_MAX},
    {"docker-" A64 ".service", SIZE_MAX},
    {"0" A64, SIZE_MAX},
    {"docker-aaaa.scope", SIZE_MAX},
    {"docker", SIZE_MAX},
    {".scope", SIZE_MAX},
    {"", SIZE_MAX},
};

START_TEST(test_cgroups)
{
    const char *id = container_id_in(cgroups[_i].name);

    if (cgroups[_i].at == SIZE_MAX)
        ck_assert_ptr_null(id);
    else
        ck_assert_ptr_eq(id, cgroups[_i].name + cgroups[_i].at);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("containers");

    suite_add(suite, "names", test_names, ARRAY_LENGTH(names));
    suite_add(suite, "united", test_united, 1);
    suite_add(suite, "cgroups", test_cgroups, ARRAY_LENGTH(cgroups));
    return suite_run(suite);
}
