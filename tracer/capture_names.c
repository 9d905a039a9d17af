/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/capture_names.h"

#include "base/memory.h"
#include "tracer/observer_private.h"

#include <errno.h>
#include <stdio.h>

enum { NUMBERS_MAX = 1 << 20 };

/* By number, interned. */
typedef struct Texts {
    const char **list;
    size_t count;
} Texts;

struct CaptureNames {
    Texts programs;
    Texts labels; /* 0: the label from the start, may be NULL */
};

static int text_set(Texts *texts, uint64_t number, const char *text)
{
    if (number >= NUMBERS_MAX)
        return -EBADMSG;
    if (number >= texts->count) {
        size_t count = texts->count ? texts->count : 16;
        while (count <= number)
            count *= 2;
        const char **grown = reallocarray(texts->list, count, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        memset(grown + texts->count, 0, (count - texts->count) * sizeof *grown);
        texts->list = grown;
        texts->count = count;
    }
    texts->list[number] = text;
    return 0;
}

static const char *text_get(const Texts *texts, uint32_t number)
{
    return number < texts->count ? texts->list[number] : NULL;
}

CaptureNames *capture_names_new(const char *label)
{
    CaptureNames *names = calloc(1, sizeof *names);

    if (names && text_set(&names->labels, 0, label) == 0)
        return names;
    free(names);
    return NULL;
}

CaptureNames *capture_names_free(CaptureNames *names)
{
    if (!names)
        return NULL;
    free(names->programs.list);
    free(names->labels.list);
    free(names);
    return NULL;
}

/* As /proc/PID/exe reads. */
static const char *program_text(Observer *observer, const struct file_blob *file)
{
    char text[PATH_MAX + 32];
    const char *suffix = file->flags & (FILE_DELETED | FILE_NAMELESS) ? " (deleted)" : "";
    const char *prefix = file->flags & FILE_NAMELESS ? "/" : "";

    (void)snprintf(text, sizeof text, "%s%s%s", prefix, captured_file_text(file), suffix);
    return observer_intern(observer, text);
}

static int take_program(CaptureNames *names, Observer *observer, const Captured *captured)
{
    const struct event *event = captured->event;
    const struct file_blob *file = captured_file(captured, BLOB_PROGRAM, CAPTURED_ANY);
    const uint64_t number = event->program ? event->program : event->value;

    if (number == 0 || !file)
        return -EBADMSG;
    if (file->flags & FILE_CUT)
        observer_loss(observer, "unresolved-path", "the path of a program is too long", 1);
    return text_set(&names->programs, number, program_text(observer, file));
}

static int take_label(CaptureNames *names, Observer *observer, const Captured *captured)
{
    const CapturedBlob *text = captured_blob(captured, BLOB_LABEL, CAPTURED_ANY);

    if (!text || captured->event->label == 0 || text->size < 2 || text->size > EVENT_LABEL_MAX ||
        (text->flags & (BLOB_UNREADABLE | BLOB_CUT)))
        return -EBADMSG;
    return text_set(&names->labels, captured->event->label, observer_intern(observer, text->bytes));
}

int capture_names_take(CaptureNames *names, Observer *observer, const Captured *captured)
{
    return captured->event->type == EVENT_PROGRAM ? take_program(names, observer, captured)
                                                  : take_label(names, observer, captured);
}

const char *capture_names_program(const CaptureNames *names, uint32_t number)
{
    return text_get(&names->programs, number);
}

const char *capture_names_label(const CaptureNames *names, uint32_t number)
{
    return text_get(&names->labels, number);
}

bool capture_names_known(const CaptureNames *names, const struct event *event)
{
    if (event->program && !text_get(&names->programs, event->program))
        return false;
    for (size_t i = 0; i < EVENT_ANCESTRY && event->ancestry[i]; i++) {
        if (!text_get(&names->programs, event->ancestry[i]))
            return false;
    }
    return event->label == 0 || text_get(&names->labels, event->label);
}
