#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fewer privileges, and set-id programs.
set -eu
chmod 755 . ..
echo secret >secret
chmod 600 secret
setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'id -u; cat secret || true; echo x >mine || true'
su -s /bin/sh nobody -c 'id -u; id -g' || true
capsh --drop=cap_net_raw -- -c 'id -u' || true
cp "$(command -v id)" set-id
chmod 4755 set-id
setpriv --reuid=65534 --regid=65534 --clear-groups ./set-id -u
