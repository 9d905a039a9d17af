/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a frame: its parts are parts of it, one behind the other. */
#include "base/memory.h"
#include "generator/frame_text.h"
#include "require.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where SPAN ends. It begins at AT or behind. */
static const char *after(const char *at, Span span, const char *end)
{
    if (span.length == 0)
        return at;
    require(span.at >= at && span.at <= end && span.length <= (size_t)(end - span.at));
    return span.at + span.length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(free_pointer) char *text = strndup((const char *)data, size);

    if (!text)
        return 0;
    const char *end = text + strcspn(text, "\n");
    const Frame frame = frame_parse(text, (size_t)(end - text));
    const char *at = after(text, frame.module, end);
    at = after(at, frame.address, end);
    at = after(at, frame.symbol, end);
    (void)after(at, frame.line, end);
    return 0;
}
