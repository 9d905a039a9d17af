# Made by whittle from policy.yaml; edit that instead.
# To load: apparmor_parser -r apparmor.profile

@{pid}={[1-9],[1-9][0-9],[1-9][0-9][0-9],[1-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9][0-9],[1-4][0-9][0-9][0-9][0-9][0-9][0-9]}
@{tid}=@{pid}

profile odd flags=(attach_disconnected,mediate_deleted) {
  # every container
  /dev/console rw, # the container's terminal
  /dev/null rw, # standard input and output of a container that has neither
  /dev/pts/[0-9]* rw, # the container's terminal
  signal (receive) peer=crun, # the runtime's own signals where it is confined
  signal (receive) peer=runc, # the runtime's own signals where it is confined
  signal (receive) peer=unconfined, # docker stop and docker kill; the runtime's own signals (Go's SIGURG)

  # files
  /etc/passwd w,
  / mrix, # /memfd:prog, a file in memory

  # network
  network netlink raw,

  # signals
  signal (send, receive) set=(rtmin+3) peer=@{profile_name},
  signal (send, receive) set=(stp) peer=@{profile_name},
  signal (send, receive) set=(exists) peer=@{profile_name},

  # ptrace
  ptrace (read, readby) peer=@{profile_name},
  ptrace (trace, tracedby, read, readby) peer=@{profile_name},

  # mounts
  mount options=(rw, rbind) "/srv{,/}" -> "/mnt/x{,/}",
  mount options=(make-rprivate) -> /,
  mount fstype=(tmpfs) options=(rw, nosuid, nodev) "tmpfs" -> "/mnt/a b{,/}",
  mount options=(rw, move) "/a{,/}" -> "/b{,/}",
  pivot_root,
  remount options=(ro) "/mnt/x{,/}",
  umount "/mnt/x{,/}",
}
