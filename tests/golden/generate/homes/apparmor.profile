# Made by whittle from policy.yaml; edit that instead.
# To load: apparmor_parser -r apparmor.profile

@{HOME}=/home/* /root
@{pid}={[1-9],[1-9][0-9],[1-9][0-9][0-9],[1-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9][0-9],[1-4][0-9][0-9][0-9][0-9][0-9][0-9]}
@{tid}=@{pid}

profile tool flags=(attach_disconnected,mediate_deleted) {
  # every container
  /dev/console rw, # the container's terminal
  /dev/null rw, # standard input and output of a container that has neither
  /dev/pts/[0-9]* rw, # the container's terminal
  signal (receive) peer=crun, # the runtime's own signals where it is confined
  signal (receive) peer=runc, # the runtime's own signals where it is confined
  signal (receive) peer=unconfined, # docker stop and docker kill; the runtime's own signals (Go's SIGURG)

  # files
  /etc/tool.conf r,
  owner /home/*/notes r, # in the home of each who ran it (grants the same in any home, to its owner)
  /home/alice/.netrc r,
  /home/bob/.netrc r,
  /root/.netrc r,
  owner @{HOME}/ r, # in the home of each who ran it (grants the same in any home, to its owner)
  owner @{HOME}/.cache/tool/ w, # in the home of each who ran it (grants the same in any home, to its owner)
  owner "@{HOME}/.cache/tool/index, old" rw, # in the home of each who ran it (grants the same in any home, to its owner)
  owner @{HOME}/.cache/tool/t.?????? w, # a made-up name (grants any other of that length), in the home of each who ran it (grants the same in any home, to its owner)
  owner @{HOME}/.config/tool.yaml r, # in the home of each who ran it (grants the same in any home, to its owner)
}
