/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <stddef.h>
#include <string.h>

enum { WORD_MAX = 64 };

/* Levenshtein distance with a swap of neighbours counted once; words longer than WORD_MAX are far.
 */
static size_t word_distance(const char *a, const char *b)
{
    size_t length_a = strlen(a), length_b = strlen(b);
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *previous = rows[1], *current = rows[2];

    if (length_a > WORD_MAX || length_b > WORD_MAX)
        return WORD_MAX;
    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j <= length_b; j++)
        previous[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t *oldest = before;

        current[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t best = previous[j - 1] + (a[i - 1] != b[j - 1]);

            if (previous[j] + 1 < best)
                best = previous[j] + 1;
            if (current[j - 1] + 1 < best)
                best = current[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            current[j] = best;
        }
        before = previous;
        previous = current;
        current = oldest;
    }
    return previous[length_b];
}

const char *nearest_word(const char *typed, const char *const *words)
{
    const char *nearest = NULL;
    size_t best = strlen(typed) / 3 + 2; /* one letter wrong in three, and one more */

    for (size_t i = 0; words[i]; i++) {
        size_t distance = word_distance(typed, words[i]);

        if (strlen(typed) >= 3 && strncmp(words[i], typed, strlen(typed)) == 0)
            distance = 1;
        if (distance < best && distance < strlen(words[i])) {
            best = distance;
            nearest = words[i];
        }
    }
    return nearest;
}
