/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For check_policy_schema.py: `make COUNT` prints random policies, each after a line "---"; `print`
 * prints the policy on standard input in canonical form.
 */
#include "base/io.h"
#include "base/memory.h"
#include "policy_maker.h"

#include <stdio.h>
#include <unistd.h>

enum { RULES = 30 };

static int make(unsigned count)
{
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;

    for (unsigned seed = 1; seed <= count; seed++) {
        Random random = {seed};
        CLEANUP(policy_cleanup) Policy *policy = random_policy(&random, RULES);
        (void)buffer_puts(&out, "---\n");
        if (policy_print(policy, &out) < 0)
            return 1;
    }
    return write_all(STDOUT_FILENO, buffer_text(&out), out.length) < 0;
}

static int print(void)
{
    CLEANUP(policy_cleanup) Policy *policy = NULL;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};

    if (policy_read("-", &policy, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    policy_sort(policy);
    return policy_print(policy, &out) < 0 ||
           write_all(STDOUT_FILENO, buffer_text(&out), out.length) < 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "make") == 0)
        return make((unsigned)strtoul(argv[2], NULL, 10));
    if (argc == 2 && strcmp(argv[1], "print") == 0)
        return print();
    return 2;
}
