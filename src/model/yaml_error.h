/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a text in YAML, and where. */
#pragma once

#include "base/error.h"

#include <yaml.h>

/* Puts "NAME:LINE:COLUMN: " of MARK before what ERR says already. Gives CODE. */
int yaml_error_at(const char *name, const yaml_mark_t *mark, int code, Error *err);

/* Says why PARSER gave no more of NAME. -EINVAL or -ENOMEM. */
int yaml_error_set(const char *name, const yaml_parser_t *parser, Error *err);
