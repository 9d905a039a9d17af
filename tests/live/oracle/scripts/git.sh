#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
export GIT_CONFIG_NOSYSTEM=1
git init -q -b main r
cd r
git config user.name n
git config user.email n@example.org
git config gc.auto 0
seq 1 100 >a
git add a
git commit -q -m one
git checkout -q -b side
seq 1 50 >b
git add b
git commit -q -m two
git checkout -q main
git merge -q --no-ff -m merged side
git log --oneline --stat | cat
git diff HEAD~1 | wc -l
git clone -q . ../c
git -C ../c fsck
git gc -q
