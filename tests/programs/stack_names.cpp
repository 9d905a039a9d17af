// SPDX-License-Identifier: Apache-2.0
// Opens /stack-names below functions that have names as only C++ has them; then waits for the end of its
// input, since a recorder that does not stop it has to find it here.
#include <fcntl.h>
#include <unistd.h>

#define APART __attribute__((noinline))

namespace shop {

static volatile int after; // so that no call is the last thing that a function does

struct Path {
    const char *text;
};

template <typename T, int... Numbers> struct Reader {
    APART void operator()(const T &path, void (*done)(int)) const
    {
        done(open(path.text, O_RDONLY));
        after = after + 1;
    }
};

namespace {
APART void serve(const Path &path)
{
    Reader<Path, 1, -2>()(path, [](int fd) { close(fd); });
    after = after + 1;
}
} // namespace

} // namespace shop

int main()
{
    char c;

    shop::serve({"/stack-names"});
    while (read(STDIN_FILENO, &c, 1) > 0)
        ;
    return 0;
}
