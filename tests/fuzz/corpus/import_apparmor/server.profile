abi <abi/3.0>,
include <tunables/global>
@{DIRS} = /srv/ "/var/lib/x y/"
@{DIRS} += /opt/*/
$chatty = false
alias /usr/ -> /mnt/usr/,

profile server /usr/{s,}bin/server flags=(attach_disconnected, complain) {
  #include <abstractions/base>
  include if exists <local/server>
  capability net_bind_service setuid,
  deny capability sys_admin,
  network (bind, listen) inet stream,
  network tcp,
  owner @{DIRS}/**/*.conf{,.d/*} rwk,
  audit deny /etc/{shadow,gshadow}[-a-z]? rwklmx,
  rix "/usr/bin/with space",
  /usr/bin/*  Cx -> child,
  link subset /a/* -> /b/**,
  if $chatty { /x r, } else if not defined @{NO} { /y r, } else { /z r, }
  priority=3 owner { /q/** r, }
  ^hat { /h/* r, }
  profile child xattrs=(user.a="b" user.c) { file, }
}
