/* SPDX-License-Identifier: Apache-2.0 */
/* Flag values as text: the first line names the family, the rest is parsed; what parses must come
 * back from its own text. */
#include "model/tables.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char input[1024], text[4096], *value_text;
    const FlagFamily *family;
    uint64_t value, again;

    if (size >= sizeof input)
        return 0;
    memcpy(input, data, size);
    input[size] = '\0';
    value_text = strchr(input, '\n');
    if (!value_text)
        return 0;
    *value_text++ = '\0';
    value_text[strcspn(value_text, "\n")] = '\0';
    family = flag_family(input);
    if (!family || flag_parse(family, value_text, &value) < 0)
        return 0;
    flag_text(family, value, text, sizeof text);
    if (flag_parse(family, text, &again) < 0 || again != value)
        abort();
    return 0;
}
