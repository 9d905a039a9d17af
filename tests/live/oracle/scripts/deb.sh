#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
mkdir -p p/DEBIAN p/usr/share/thing
seq 1 1000 >p/usr/share/thing/data
cat >p/DEBIAN/control <<'EOF'
Package: thing
Version: 1
Architecture: all
Maintainer: nobody <nobody@example.org>
Description: thing
EOF
dpkg-deb --root-owner-group -Zxz --threads-max=1 -b p thing.deb
dpkg-deb -I thing.deb >/dev/null
dpkg-deb -c thing.deb >/dev/null
dpkg-deb -x thing.deb out
