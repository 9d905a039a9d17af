#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
cat >CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.20)
project(p C)
find_package(Threads)
configure_file(in out @ONLY)
add_executable(p p.c)
EOF
echo '@CMAKE_C_COMPILER@' >in
echo 'int main(void) { return 0; }' >p.c
cmake -S . -B b -G 'Unix Makefiles' >/dev/null
cmake --build b >/dev/null
b/p
