#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A clone, a push, packing, a second work tree, an archive. Dates are fixed, for names of objects are made of them.
set -eu
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
git init -q --bare r
git clone -q r c 2>/dev/null
cd c
git config user.email a@example.org
git config user.name a
echo x >f
git add f
git commit -qm x
git push -q origin HEAD
git gc -q
git worktree add -q ../w2 -b z
git stash list
git archive HEAD | tar t
