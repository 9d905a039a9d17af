#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A file system that the workload itself serves.
set -eu
mkdir a b
echo x >a/f
bindfs a b
cat b/f
echo y >b/g
ln -s b/g l
cat l
ls b
mkdir b/d
rmdir b/d
mv b/g b/h
rm b/h
(cd b && cat f && cat ../a/f)
fusermount3 -u b || fusermount -u b
ls a
