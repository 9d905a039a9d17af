# Made by whittle from policy.yaml; edit that instead.
# To load: apparmor_parser -r apparmor.profile

@{pid}={[1-9],[1-9][0-9],[1-9][0-9][0-9],[1-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9][0-9],[1-4][0-9][0-9][0-9][0-9][0-9][0-9]}
@{tid}=@{pid}

profile server flags=(attach_disconnected,mediate_deleted) {
  # every container
  /dev/console rw, # the container's terminal
  /dev/null rw, # standard input and output of a container that has neither
  /dev/pts/[0-9]* rw, # the container's terminal
  signal (receive) peer=crun, # the runtime's own signals where it is confined
  signal (receive) peer=runc, # the runtime's own signals where it is confined
  signal (receive) peer=unconfined, # docker stop and docker kill; the runtime's own signals (Go's SIGURG)

  # capabilities
  capability chown,
  capability net_bind_service,
  capability setgid,
  capability setuid,

  # files
  /dev/log rw,
  /dev/urandom r,
  /etc/server/server.conf r,
  /lib64/ld.so mr,
  "/proc/@{pid}/stat" r,
  owner "/proc/@{pid}/status" r,
  owner "/proc/@{pid}/task/@{tid}/comm" r,
  /run/server.pid r,
  owner /run/server.pid w,
  /srv/www/ r,
  /srv/www/index.html r,
  owner /tmp/upload w,
  /usr/lib/libc.so.6 mr,
  /usr/sbin/server mrix,
  owner /var/cache/server/tmp/ w,
  owner /var/cache/server/tmp/[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9] w, # a counter (grants any other number of that length)
  /var/lib/server/db rwk,
  /var/log/server/access.log w,

  # network
  network inet stream,

  # unix
  unix (create, getattr, setattr, getopt, setopt, shutdown) type=dgram,
  unix (bind, listen) type=dgram addr=none,
  unix (accept, connect, send, receive) type=dgram peer=(label=@{profile_name}),
  unix (send, receive) type=dgram peer=(addr=none),
  unix (create, getattr, setattr, getopt, setopt, shutdown) type=stream,
  unix (bind, listen) type=stream addr=none,
  unix (accept, connect, send, receive) type=stream peer=(label=@{profile_name}),
  unix (send, receive) type=stream peer=(addr=none),

  # signals
  signal (send, receive) set=(term) peer=@{profile_name},
  signal (send, receive) set=(usr1) peer=@{profile_name},
}
