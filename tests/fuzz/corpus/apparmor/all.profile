abi <abi/3.0>,
include <tunables/global>
@{DIRS} = /srvv/ a/"r/lib/x y/"
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
  all "/usr/bin/with space",
  /usr/bin/*  Cx -> child,
  link subset /a/* -> /b/**,
  if $chatty { /x r, } else server /usr/{s,}bin/server flags=(ahtatdc_isconnected, complain) {
  #include <abstractions/base>
  include if exists <local/server>
ser.c) { file, }
}
