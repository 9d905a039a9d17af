/* SPDX-License-Identifier: Apache-2.0 */
/* A group that shares its name is named more exactly, a level at a time, until none does. */
#include "generator/input_names.h"

#include "base/memory.h"
#include "generator/emitter.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

enum {
    NAME_SIZE = 128,
    PART_MAX = 48,   /* bytes of a service's or image's name, or a tag */
    LEVEL_IMAGE = 1, /* with the image's name */
    LEVEL_TAG,       /* and its tag */
    LEVEL_DIGEST,    /* and its digest */
    LEVEL_NUMBER,
    LEVELS = LEVEL_NUMBER + 100,
    DIGEST_LENGTH = 12,
};

/* The parts of an image's reference: "registry:5000/team/NAME:TAG@sha256:DIGEST". */
typedef struct Reference {
    const char *name, *tag;
    int name_length, tag_length;
} Reference;

static int at_most(size_t length)
{
    return length < PART_MAX ? (int)length : PART_MAX;
}

/* IMAGE may be NULL; of a digest alone no part is a name. */
static Reference read_reference(const char *image)
{
    if (!image || strncmp(image, "sha256:", 7) == 0)
        return (Reference){.name = "", .tag = ""};
    const char *slash = strrchr(image, '/');
    const char *name = slash ? slash + 1 : image;
    const size_t length = strcspn(name, ":@");
    const char *tag = name[length] == ':' ? name + length + 1 : "";
    return (Reference){.name = name,
                       .name_length = at_most(length),
                       .tag = tag,
                       .tag_length = at_most(strcspn(tag, "@"))};
}

/* The hexadecimal digits of the image's digest in KEY; "" if it is not there. */
static const char *digest_in(const char *key)
{
    const char *image = strchr(key, ' ');
    const char *digest = image ? strchr(image, ':') : NULL;

    return digest && strncmp(image + 1, "sha256:", 7) == 0 ? digest + 1 : "";
}

static void append(char *name, const char *text, int length)
{
    const size_t used = strlen(name);

    if (length > 0 && *text)
        (void)snprintf(name + used, NAME_SIZE - used, "%s%.*s", used > 0 ? "-" : "", length, text);
}

static void make_valid(char *name)
{
    for (char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && (at == name || !strchr("._-", *at)))
            *at = '_';
    }
}

/* The name of GROUP, which is the INDEX-th, at LEVEL, into NAME of NAME_SIZE. */
static void name_at(const InputGroup *group, size_t level, size_t index, char *name)
{
    const Reference image = read_reference(group->image);
    char number[32];

    name[0] = '\0';
    if (group->service)
        append(name, group->service, PART_MAX);
    if (!group->service || level >= LEVEL_IMAGE)
        append(name, image.name, image.name_length);
    if (level >= LEVEL_TAG)
        append(name, image.tag, image.tag_length);
    if (level >= LEVEL_DIGEST)
        append(name, digest_in(group->key), DIGEST_LENGTH);
    if (name[0] == '\0' && group->input.recording)
        generate_name_after(group->input.recording, name, PART_MAX);
    if (name[0] == '\0')
        append(name, POLICY_NAME_DEFAULT, PART_MAX);
    if (level >= LEVEL_NUMBER) {
        (void)snprintf(number, sizeof number, "%zu", index + 1 + level - LEVEL_NUMBER);
        append(name, number, (int)strlen(number));
    }
    make_valid(name);
}

/* Has another group the name of the one at INDEX? */
static bool is_shared(const GenerateInputs *inputs, size_t index)
{
    for (size_t i = 0; i < inputs->count; i++) {
        if (i != index && strcmp(inputs->list[i].name, inputs->list[index].name) == 0)
            return true;
    }
    return false;
}

static int name_group(InputGroup *group, size_t level, size_t index)
{
    char name[NAME_SIZE];

    name_at(group, level, index, name);
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    free(group->name);
    group->name = copy;
    return 0;
}

int input_names_set(GenerateInputs *inputs, Error *err)
{
    CLEANUP(free_pointer) size_t *levels = calloc(inputs->count + 1, sizeof *levels);
    CLEANUP(free_pointer) bool *shared = calloc(inputs->count + 1, sizeof *shared);
    bool any = levels && shared;
    int r = any ? 0 : -ENOMEM;

    for (size_t i = 0; i < inputs->count && r == 0; i++)
        r = name_group(&inputs->list[i], 0, i);
    for (size_t round = 0; any && r == 0; round++) {
        any = false;
        for (size_t i = 0; i < inputs->count; i++) {
            shared[i] = is_shared(inputs, i);
            any = any || shared[i];
        }
        if (any && round == LEVELS)
            return error_set(err, -EEXIST, "two groups of recordings have the name \"%s\"",
                             inputs->list[0].name);
        for (size_t i = 0; i < inputs->count && r == 0; i++) {
            if (shared[i])
                r = name_group(&inputs->list[i], ++levels[i], i);
        }
    }
    return r < 0 ? error_errno(err, r, "naming the policies") : 0;
}
