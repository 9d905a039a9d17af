#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Owners, attributes, devices: what root does to files.
set -u
echo x >f
setfacl -m u:nobody:r f && getfacl f
setfattr -n user.a -v b f && getfattr -d f && setfattr -x user.a f
chattr +i f && rm f
chattr -i f
setfacl -b f
chown nobody f
chmod 4755 f
touch -r /etc/hostname f
mkfifo p
mknod n c 1 3
find . | cpio -o -H newc >../a.cpio 2>/dev/null
mkdir o && cd o && cpio -id <../../a.cpio 2>/dev/null
ls -l n
