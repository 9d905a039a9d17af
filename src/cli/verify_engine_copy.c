/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container like one that runs: of the same image, with the same program, environment, user and
 * working folder. What the two cannot both have is not taken over: ports and addresses, and what
 * the one that runs may write to. In place of its writable folders the second has new, empty
 * volumes (filled with what the image has there).
 */
#include "base/memory.h"
#include "cli/verify_engine_private.h"

#include <errno.h>
#include <jansson.h>

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* Docker has a list of words, Podman 4 a text. */
static int add_entrypoint(const json_t *config, CommandLine *words, CommandLine *command)
{
    const json_t *entrypoint = json_object_get(config, "Entrypoint");
    const json_t *word;
    size_t i;
    int r = 0;

    if (json_is_string(entrypoint) && *json_string_value(entrypoint))
        return command_line_add(words, "--entrypoint=%s", json_string_value(entrypoint));
    if (json_array_size(entrypoint) == 0)
        return 0;
    r = command_line_add(words, "--entrypoint=%s",
                         json_string_value(json_array_get(entrypoint, 0)));
    json_array_foreach (entrypoint, i, word) {
        if (i > 0 && r == 0)
            r = command_line_add(command, "%s", json_string_value(word));
    }
    return r;
}

/* The policy has something at TARGET already. */
static bool has_mount(const CommandLine *words, const char *target)
{
    static const char *const options[] = {"--tmpfs=", "--volume="};
    const size_t length = strlen(target);

    for (size_t i = 0; i < words->count; i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(options); k++) {
            const char *word = words->list[i];
            const size_t option = strlen(options[k]);
            if (strncmp(word, options[k], option) == 0 &&
                strncmp(word + option, target, length) == 0 &&
                (word[option + length] == '\0' || word[option + length] == ':'))
                return true;
        }
    }
    return false;
}

static bool has_user(const CommandLine *words)
{
    for (size_t i = 0; i < words->count; i++) {
        if (strncmp(words->list[i], "--user=", strlen("--user=")) == 0)
            return true;
    }
    return false;
}

static int add_mount(const json_t *mount, CommandLine *words, Buffer *notes)
{
    const char *source = text_at(mount, "Source");
    const char *target = text_at(mount, "Destination");

    if (has_mount(words, target))
        return 0;
    if (!json_is_true(json_object_get(mount, "RW")))
        return command_line_add(words, "--volume=%s:%s:ro", source, target);
    if (strcmp(text_at(mount, "Type"), "tmpfs") == 0)
        return command_line_add(words, "--tmpfs=%s", target);
    (void)buffer_printf(
        notes, "%s, which the container can write to, is a new volume in the second one\n", target);
    return command_line_add(words, "--volume=%s", target);
}

static int add_options(const json_t *config, const json_t *container, CommandLine *words,
                       Buffer *notes)
{
    const json_t *item;
    size_t i;
    int r = 0;

    json_array_foreach (json_object_get(config, "Env"), i, item) {
        if (r == 0 && json_is_string(item))
            r = command_line_add(words, "--env=%s", json_string_value(item));
    }
    json_array_foreach (json_object_get(container, "Mounts"), i, item) {
        if (r == 0)
            r = add_mount(item, words, notes);
    }
    if (r == 0 && *text_at(config, "WorkingDir"))
        r = command_line_add(words, "--workdir=%s", text_at(config, "WorkingDir"));
    if (r == 0 && *text_at(config, "User") && !has_user(words))
        r = command_line_add(words, "--user=%s", text_at(config, "User"));
    return r;
}

static int copy(const json_t *container, CommandLine *words, Buffer *notes)
{
    CLEANUP(command_line_deinit) CommandLine command = {0};
    const json_t *config = json_object_get(container, "Config");
    const json_t *item;
    size_t i;

    int r = add_options(config, container, words, notes);
    if (r == 0)
        r = add_entrypoint(config, words, &command);
    /* The image's id: its name may mean another one by now. */
    if (r == 0)
        r = command_line_add(words, "%s", text_at(container, "Image"));
    if (r == 0 && command.count > 0)
        r = command_line_add_all(words, (const char *const *)command.list);
    json_array_foreach (json_object_get(config, "Cmd"), i, item) {
        if (r == 0 && json_is_string(item))
            r = command_line_add(words, "%s", json_string_value(item));
    }
    (void)buffer_puts(notes,
                      "ports, networks, limits, devices and health checks are not taken over: "
                      "--run-arg gives what of them is needed\n");
    return r < 0 ? r : notes->error;
}

int engine_copy(const Engine *engine, const char *name, CommandLine *words, Buffer *notes,
                Error *err)
{
    CLEANUP(command_line_deinit) CommandLine question = {0};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(json_decrefp) json_t *answer = NULL;
    const char *const list[] = {"inspect", "--type", "container", "--", name, NULL};

    int r = command_line_add_all(&question, list);
    if (r < 0)
        return error_errno(err, r, "container %s", name);
    r = engine_ask(engine, &question, &text, err);
    if (r < 0)
        return r;
    answer = json_loadb(buffer_text(&text), text.length, 0, NULL);
    const json_t *container = json_array_get(answer, 0);
    if (!json_is_object(json_object_get(container, "Config")) || !*text_at(container, "Image"))
        return error_set(err, -EBADMSG, "%s says nothing of the container %s that can be read",
                         engine->program, name);
    r = copy(container, words, notes);
    return r < 0 ? error_errno(err, r, "container %s", name) : 0;
}
