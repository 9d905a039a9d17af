#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
cat >a.c <<'EOF'
#include <math.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    (void)argv;
    printf("%f\n", sin(argc));
    return 0;
}
EOF
gcc -O2 -Wall -c a.c -o a.o
gcc a.o -lm -o a
./a
gcc -O2 -static -pipe a.c -lm -o s
./s
gcc -S -o - a.c | grep -c call
ar rcs liba.a a.o
strip s
objdump -d a.o >/dev/null
