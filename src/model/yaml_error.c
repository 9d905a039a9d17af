/* SPDX-License-Identifier: Apache-2.0 */
#include "model/yaml_error.h"

#include <errno.h>

int yaml_error_at(const char *name, const yaml_mark_t *mark, int code, Error *err)
{
    error_prefix(err, "%s:%zu:%zu", name, mark->line + 1, mark->column + 1);
    return code;
}

int yaml_error_set(const char *name, const yaml_parser_t *parser, Error *err)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return error_errno(err, -ENOMEM, "%s", name);
    (void)error_set(err, -EINVAL, "%s", parser->problem ? parser->problem : "this is not YAML");
    if (parser->error != YAML_READER_ERROR)
        return yaml_error_at(name, &parser->problem_mark, -EINVAL, err);
    /* where the bytes are no UTF-8 there is no line */
    error_prefix(err, "%s: byte %zu", name, parser->problem_offset);
    return -EINVAL;
}
