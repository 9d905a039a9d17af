/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as events of the kernel side, one behind the other by their own sizes: refused, or made
 * into facts that can be printed. Mount namespace 2 stands for this one, in which paths are looked
 * up.
 */
#include "base/memory.h"
#include "require.h"
#include "tracer/capture.h"

#include <stdint.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stat own;
    const Run run = {.id = "a", .exit_status = -1};
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    Observer *observer = NULL;
    uint32_t index = 0;

    require(stat("/proc/self/ns/mnt", &own) == 0);
    Recording *recording = recording_new();
    require(recording && recording_add_run(recording, &run, &index) == 0);
    const ObserverOptions options = {
        .recording = recording, .run = index, .journal_fd = -1, .sees_results = true};
    require(observer_new(&options, &observer, NULL) == 0);
    Capture *capture = capture_new(observer, NULL);
    require(capture != NULL);
    const uint8_t *all = data;
    const size_t all_size = size;
    while (size >= sizeof(struct event)) {
        struct event *event = malloc(size);
        require(event != NULL);
        memcpy(event, data, size);
        size_t step = event->size;
        if (step < sizeof *event || step > size)
            step = size;
        if (event->mount_namespace == 2)
            event->mount_namespace = (uint32_t)own.st_ino;
        (void)capture_event(capture, event, step);
        free(event);
        data += step;
        size -= step;
    }
    for (size_t at = 0; at + sizeof(struct event) <= all_size; at += sizeof(struct event)) {
        struct event event;
        memcpy(&event, all + at, sizeof event);
        capture_count(capture, event.key, event.value);
    }
    capture = capture_free(capture);
    require(recording_print(recording, &text) == 0);
    observer = observer_free(observer);
    recording = recording_free(recording);
    return 0;
}
