# Made by whittle from policy.yaml; edit that instead.
# To load: apparmor_parser -r apparmor.profile

@{pid}={[1-9],[1-9][0-9],[1-9][0-9][0-9],[1-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9][0-9],[1-4][0-9][0-9][0-9][0-9][0-9][0-9]}
@{tid}=@{pid}

profile sh flags=(attach_disconnected,mediate_deleted) {
  # every container
  /dev/console rw, # the container's terminal
  /dev/null rw, # standard input and output of a container that has neither
  /dev/pts/[0-9]* rw, # the container's terminal
  signal (receive) peer=crun, # the runtime's own signals where it is confined
  signal (receive) peer=runc, # the runtime's own signals where it is confined
  signal (receive) peer=unconfined, # docker stop and docker kill; the runtime's own signals (Go's SIGURG)

  # files
  / r,
  "/!bang" r,
  /%pct r,
  "/&amp" r,
  "/(paren)" r,
  /=eq r,
  "/@\{pid\}" r,
  "/\[x\]" r,
  "/\{y,z\}" r,
  "/\^caret" r,
  "/a -> b" r,
  "/a b" r,
  "/apo's" r,
  "/back\134slash" r,
  "/bad\377\376" r,
  /bin/sh mrix,
  "/café" r,
  "/colon: x" r,
  "/comma," r,
  /dash- r,
  "/del\177" r,
  "/dollar$" r,
  "/end " r,
  "/hash#" r,
  "/new\012line" r,
  "/nul\001" r,
  /opt/script rix,
  "/pipe|" r,
  /proc/ r,
  owner "/proc/@{pid}/fd/" r,
  "/proc/@{pid}/maps" r,
  /proc/sys/kernel/osrelease r,
  "/q\?" r,
  "/quote\042d" r,
  "/semi;" r,
  /srv/2024/data.csv r,
  owner /srv/data/one.Q1w2E3 w,
  owner /srv/data/up.?????? w, # a made-up name (grants any other of that length)
  "/star\*" r,
  "/tab\011here" r,
  /tilde~ r,
  owner /tmp/Config w,
  owner /tmp/dir.??????/ w, # a made-up name (grants any other of that length)
  /tmp/dir.??????/in r, # a made-up name (grants any other of that length)
  owner /tmp/dir.??????/in w, # a made-up name (grants any other of that length)
  owner /tmp/file01 w,
  owner link /tmp/link -> "/tmp/target, \{1\}",
  owner /tmp/new w,
  /tmp/notcreated.aB3x9Z r,
  /tmp/old rw,
  owner /tmp/pipe.??????.sock w, # a made-up name (grants any other of that length)
  owner /tmp/report-2024 w,
  owner /tmp/tmp.?????????? w, # a made-up name (grants any other of that length)
  /tmp/tmp.??????????/ w, # a made-up name (grants any other of that length)
  owner /tmp/tmp???????? w, # a made-up name (grants any other of that length)
  "/u sep" r,
  /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx r,
  /yes r,
  /~ r,
  "/nel" r,
  "/﻿bom" r,

  # unix
  unix (create, getattr, setattr, getopt, setopt, shutdown) type=stream,
  unix (bind, listen) type=stream addr=none,
  unix (accept, connect, send, receive) type=stream peer=(label=@{profile_name}),
  unix (send, receive) type=stream peer=(addr=none),
  unix (bind, listen, accept) type=stream addr="@a?b c",
}
