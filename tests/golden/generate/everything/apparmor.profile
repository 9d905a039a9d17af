# Made by whittle from policy.yaml; edit that instead.
# To load: apparmor_parser -r apparmor.profile

@{pid}={[1-9],[1-9][0-9],[1-9][0-9][0-9],[1-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9][0-9],[1-4][0-9][0-9][0-9][0-9][0-9][0-9]}
@{tid}=@{pid}

profile shop flags=(attach_disconnected,mediate_deleted) {
  # every container
  /dev/console rw, # the container's terminal
  /dev/null rw, # standard input and output of a container that has neither
  /dev/pts/[0-9]* rw, # the container's terminal
  signal (receive) peer=crun, # the runtime's own signals where it is confined
  signal (receive) peer=runc, # the runtime's own signals where it is confined
  signal (receive) peer=unconfined, # docker stop and docker kill; the runtime's own signals (Go's SIGURG)

  # capabilities
  capability net_bind_service,

  # files
  /lib64/ld-linux-x86-64.so.2 mr,
  "/srv/caf\351/naïve \042quoted\042 \134 \012.txt" rw,

  # network
  network inet stream,
  network netlink raw,

  # unix
  unix (create, getattr, setattr, getopt, setopt, shutdown) type=dgram,
  unix (bind, listen) type=dgram addr=none,
  unix (accept, connect, send, receive) type=dgram peer=(label=@{profile_name}),
  unix (send, receive) type=dgram peer=(addr=none),
  unix (connect, send, receive) type=dgram peer=(addr="@abstract\001"),

  # signals
  signal (send, receive) set=(term) peer=@{profile_name},

  # mounts
  mount fstype=(tmpfs) options=(ro, nosuid) "tmpfs" -> "/tmp{,/}",
}
