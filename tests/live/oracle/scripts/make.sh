#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
for i in 1 2 3 4; do
    echo "int f$i(void); int f$i(void) { return $i; }" >"f$i.c"
done
cat >Makefile <<'EOF'
objects = f1.o f2.o f3.o f4.o
lib.a: $(objects)
	ar rc $@ $^
%.o: %.c
	gcc -c -o $@ $<
clean:
	rm -f $(objects) lib.a
EOF
make -j2
make
make clean
