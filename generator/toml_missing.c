/* SPDX-License-Identifier: Apache-2.0 */
/* For builds without toml++ or a C++ compiler, cmake/Toml.cmake. */
#include "generator/toml_read.h"

#include <errno.h>

int toml_read(const char *name, const char *text, size_t length, TomlSink *sink, void *context,
              Error *err)
{
    (void)text;
    (void)length;
    (void)sink;
    (void)context;
    return error_set(err, -ENOTSUP,
                     "%s: this whittle was built without TOML; install the packages g++ and "
                     "libtomlplusplus-dev and build it again",
                     name);
}
