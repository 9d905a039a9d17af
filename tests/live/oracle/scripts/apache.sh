#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Threads and processes as another user, a page, a missing one, a graceful restart, a stop.
set -eu
port=$1
mkdir h l
chmod 755 .
echo hello >h/index.html
cat >c <<END
ServerRoot $PWD
ServerName x
Listen 127.0.0.1:$port
PidFile $PWD/l/pid
ErrorLog $PWD/l/e
User www-data
Group www-data
DocumentRoot $PWD/h
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
Mutex file:$PWD/l
StartServers 1
ThreadsPerChild 4
MaxRequestWorkers 4
MinSpareThreads 1
MaxSpareThreads 4
DirectoryIndex index.html
END
apache2 -f "$PWD/c"
# It is no child of this shell: what fails must not leave it behind.
trap 'kill "$(cat l/pid)"' ERR
curl -s --retry 50 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$port/"
curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/none"
apache2 -f "$PWD/c" -k graceful
sleep 1
curl -s "http://127.0.0.1:$port/"
apache2 -f "$PWD/c" -k stop
sleep 1.5
