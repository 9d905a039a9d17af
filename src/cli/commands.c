/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. Adding one touches its own file and two lines here, its declaration and
 * its row. */
#include "cli/command.h"

#include <string.h>

extern const Command command_check;
extern const Command command_diff;
extern const Command command_doctor;
extern const Command command_explain;
extern const Command command_generate;
extern const Command command_import;
extern const Command command_lint;
extern const Command command_mark;
extern const Command command_merge;
extern const Command command_record;
extern const Command command_show;
extern const Command command_verify;

/* clang-format off */
const Command *const commands[] = {
    &command_doctor,
    &command_record,
    &command_mark,
    &command_show,
    &command_merge,
    &command_generate,
    &command_diff,
    &command_check,
    &command_explain,
    &command_lint,
    &command_import,
    &command_verify,
    NULL,
};
/* clang-format on */

const Command *command_by_name(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}
