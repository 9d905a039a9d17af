/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs' profiles: which rules they become, what is told, what is refused and where. */
#include "base/memory.h"
#include "generator/import.h"
#include "suite.h"

#include <errno.h>

/* A line each: "files /etc/x rm", or "!files …" for one that must not be there; deny rules have
 * " deny" behind. */
typedef struct Row {
    const char *form; /* NULL: found by content */
    const char *text;
    const char *rules;
    const char *notes; /* a part of them, NULL for any */
    const char *error; /* a part of it, NULL: there is none */
} Row;

#define NAME  "Name = \"t\"\n"
#define FILES NAME "[Filesystem]\n"

static const Row bane_rows[] = {
    /* what is listed and nothing else */
    {NULL,
     FILES "ReadOnlyPaths = [\"/etc/**\"]\nWritablePaths = [\"/etc/w\"]\nAllowExec = [\"/x\"]\n",
     "files /etc/** rm\nfiles /etc/ r\nfiles /etc/w rwlk\nfiles /x rmix\n!files /{,**}", "file,",
     NULL},
    /* as abstractions/base, which is in all of bane's profiles */
    {NULL, NAME, "signals any\n!signals SIGTERM\nptrace read\n!ptrace trace\n", NULL, NULL},
    /* writable exceptions below what is read-only altogether */
    {NULL,
     FILES "ReadOnlyPaths = [\"/**\"]\nWritablePaths = [\"/data/**\"]\nAllowExec = [\"/x\"]\n",
     "files /** rm\nfiles /data/** rwlk\n!files /** rw", NULL, NULL},
    /* links of today's images */
    {NULL, FILES "DenyExec = [\"/bin/sh\"]\nWritablePaths = [\"/var/run/x.pid\"]\n",
     "files /bin/sh rwlkmix deny\nfiles /usr/bin/sh rwlkmix deny\nfiles /run/x.pid rwlk\n", NULL,
     NULL},
    {NULL,
     FILES "ReadOnlyPaths = [\"/bin/**\", \"/sbin/x\", \"/usr/**\"]\nAllowExec = [\"/bin/y\"]\n",
     "files /bin/** rm\nfiles /usr/** rm\n!files /usr/bin/\n!files /usr/bin/**\n"
     "!files /usr/sbin/x\nfiles /usr/bin/y rmix\n",
     NULL, NULL},
    /* keys without regard to case, as bane */
    {NULL, "name = \"t\"\n[filesystem]\nreadonlypaths = [\"/a\"]\n", "files /a rmix\n",
     "no AllowExec", NULL},
    {NULL, NAME "[Network]\n",
     "network inet stream\nnetwork inet6 stream\nunix connect stream\n!network inet raw\n!network "
     "packet\nfiles /{,**} rwlkmix\n",
     "no ReadOnlyPaths", NULL},
    {NULL, NAME "[Network]\nRaw = true\nPacket = true\n",
     "network inet raw\nnetwork packet\nsyscalls socket 0=AF_PACKET\n", NULL, NULL},
    {NULL, NAME "[Network]\nProtocols = [\"tcp\", \"icmp\"]\n",
     "network inet stream\n!network inet dgram\n!network inet raw\n", "icmp needs raw", NULL},
    {NULL, NAME "[Capabilities]\nAllow = [\"chown\", \"CAP_KILL\"]\nDeny = [\"kill\"]\n",
     "capabilities CAP_CHOWN\ncapabilities CAP_KILL deny\n", NULL, NULL},
    {NULL, NAME "[Capabilities]\nDeny = [\"kill\"]\n",
     "capabilities CAP_CHOWN\ncapabilities CAP_KILL deny\n", "only Deny", NULL},
    {NULL, NAME "[Capabilities]\nAllow = [\"sys_admin\"]\n",
     "syscalls mount\nsyscalls clone 0=0\nsyscalls read\n!syscalls bpf2\n", "system calls", NULL},
    {NULL, NAME "InnerImports = [\"/x r,\"]\n", "!files /x r\n", ":2: InnerImports is not", NULL},
    {NULL, NAME "InnerImports = [\"#include <abstractions/no-such>\"]\n", "",
     "the include abstractions/no-such is not there", NULL},
    {NULL, FILES "LogOnWritePaths = [\"/**\"]\n", "", ":3: LogOnWritePaths", NULL},
    {NULL, FILES "ReadOnlyPaths = [\"@{PROC}/x\", \"/a b\"]\n",
     "files /proc/x rmix\nfiles /a\\x20b rmix\n", NULL, NULL},
    {NULL, FILES "WritablePaths = [\"@{run}/x\"]\n", "!files /var/run/x rwlk\nfiles /run/x rwlk\n",
     NULL, NULL},
    /* what is wrong, and where */
    {NULL, NAME "[Filesystem]\nReadOnlyPath = []\n", NULL, NULL,
     "t:3:16: bane has no key \"Filesystem.ReadOnlyPath\"; did you mean "
     "\"Filesystem.ReadOnlyPaths\"?"},
    {NULL, NAME "[Filesystem.Deep]\nx = 1\n", NULL, NULL, "t:2:"},
    {NULL, NAME "Colour = \"blue\"\n", NULL, NULL, "t:2:10: bane has no key \"Colour\""},
    {NULL, NAME "[Network]\nRaw = \"no\"\n", NULL, NULL, "t:3:7: Network.Raw wants true or false"},
    {NULL, FILES "AllowExec = \"/x\"\n", NULL, NULL, "t:3:13: Filesystem.AllowExec wants a list"},
    {NULL, FILES "AllowExec = [1]\n", NULL, NULL, "t:3:14: Filesystem.AllowExec wants a list"},
    {NULL, FILES "AllowExec = [\"relative\"]\n", NULL, NULL, "t:3: Filesystem.AllowExec: \"relat"},
    {NULL, FILES "AllowExec = [\"/{a\"]\n", NULL, NULL, "t:3: Filesystem.AllowExec: "},
    {NULL, FILES "AllowExec = [\"@{nothing}/a\"]\n", NULL, NULL, "variable"},
    {NULL, NAME "[Capabilities]\nAllow = [\"sysadmin\"]\n", NULL, NULL,
     "t:3: there is no capability \"sysadmin\"; did you mean CAP_SYS_ADMIN?"},
    {NULL, NAME "[Network]\nProtocols = [\"sctp4\"]\n", NULL, NULL, "t:3: there is no protocol"},
    {NULL, "[Network]\n", NULL, NULL, "there is no Name"},
    {NULL, "Name = \"a/b\"\n", NULL, NULL, "t:1: \"a/b\" cannot be"},
    {NULL, NAME "x = [\n", NULL, NULL, "t:2:7: "},
    {NULL, FILES "AllowExec = [\"/a\\u0000b\"]\n", NULL, NULL, "NUL"},
    {NULL, NAME "[#\n", NULL, NULL, "t:2:"},
    {NULL, NAME "\xC3\xA9 x = 1\n", NULL, NULL, "t:2:1: "},
    {NULL, "\xEF\xBB\xBF" FILES "AllowExec = [\"/\xC3\xA9\"] # \xC3\xA9\n",
     "files /\xC3\xA9 rmix\n", NULL, NULL},
    {NULL, FILES "AllowExec = [\"/\xE9\"]\n", "files /\\xe9 rmix\n", NULL, NULL},
    {NULL, "nothing known\n", NULL, NULL, "does not look like"},
    {"rust", "", NULL, NULL, "no form \"rust\""},
};

#define PROFILE_P(rules) "profile p {\n" rules "\n}\n"

static const Row apparmor_rows[] = {
    {NULL, PROFILE_P("/a r,\nowner /b* rwk,\ndeny /c wx,\n/d mrix,\n/e ux,"),
     "files /a r\nfiles owner /b* rwk\nfiles /c wix deny\nfiles /d rmix\nfiles /e ux\n",
     "nothing of system calls", NULL},
    {NULL, "@{X} = /x /y/{a,b}\n" PROFILE_P("@{X}/** r,\n/{z,{y,w}}/v r,"),
     "files /x/** r\nfiles /y/{a,b}/** r\nfiles /{z,{y,w}}/v r\n", NULL, NULL},
    {NULL, "@{X} = {,/var}/run {/a,{/b,/c/}d}\n" PROFILE_P("@{X}/f r,"),
     "files /run/f r\nfiles /var/run/f r\nfiles /a/f r\nfiles /bd/f r\nfiles /c/d/f r\n", NULL,
     NULL},
    {NULL,
     "@{pid}={[1-9],[1-9][0-9],[1-9][0-9][0-9],[1-9][0-9][0-9][0-9],[1-9][0-9][0-9][0-9][0-9],"
     "[1-9][0-9][0-9][0-9][0-9][0-9],[1-4][0-9][0-9][0-9][0-9][0-9][0-9]}\n" PROFILE_P(
         "/proc/@{pid}/fd/ r,\n\"/a b>\\*\\054\\x41[^/][^a-c]\" r,"),
     "files /proc/@{pid}/fd/ r\nfiles /a\\x20b\\x3e\\*\\,A?[^a-c] r\n", NULL, NULL},
    {NULL, PROFILE_P("/[a/b] r,\n/x r,"), "files /x r\n!files /[a/b] r\n",
     "/[a/b] r, is left out: a policy has no such pattern", NULL},
    {NULL, PROFILE_P("\"/[a \xff]\" r,\n/x r,"), "files /x r\n", "no such pattern", NULL},
    {NULL, PROFILE_P("/a Px,\n/b Pix,\n/c rPx -> q,\n/d rCx,"),
     "files /a px\nfiles /b ix\nfiles /c r\nfiles /d r\n", "/c rPx -> q, may not be executed",
     NULL},
    {NULL, PROFILE_P("/a ix,\npriority=1 /b r,\n/a Ux,"), "files /a ix\n!files /b r\n",
     "/a Ux, is executed as an earlier rule", NULL},
    {NULL, PROFILE_P("file,"), "files /{**,} rwalkmix\n", NULL, NULL},
    {NULL, PROFILE_P("link /a -> /b/*,\nlink subset /c -> /d,"),
     "files /a l -> /b/*\n!files /c l -> /d\n", "test of subsets", NULL},
    {NULL, PROFILE_P("capability chown,\ndeny capability sys_admin,"),
     "capabilities CAP_CHOWN\ncapabilities CAP_SYS_ADMIN deny\n!capabilities CAP_KILL\n", NULL,
     NULL},
    {NULL, PROFILE_P("capability,"), "capabilities CAP_CHOWN\ncapabilities CAP_SYS_ADMIN\n", NULL,
     NULL},
    {NULL, PROFILE_P("network tcp,\nnetwork netlink,\nnetwork (send) packet,"),
     "network inet stream\nnetwork inet6 stream\nnetwork netlink\n!network packet\n",
     "network (send) packet, is left out", NULL},
    {NULL, PROFILE_P("network raw,"), "network packet raw\nnetwork inet raw\n", "each family",
     NULL},
    {NULL, PROFILE_P("unix (connect) type=stream peer=(addr=\"@bus*\"),\nunix (create),"),
     "unix connect stream @bus*\n!unix connect stream\n", "becomes what a policy says", NULL},
    {NULL, PROFILE_P("unix peer=(label=@{profile_name}),"),
     "unix connect dgram\nunix connect stream\n", NULL, NULL},
    {NULL, PROFILE_P("unix (create),"), "!unix connect stream\n", "unix (create), is left out",
     NULL},
    {NULL,
     PROFILE_P("signal (send,receive) set=(term rtmin+3) peer=@{profile_name},\n"
               "signal (send) peer=@{profile_name},"),
     "signals SIGTERM\nsignals SIGRT_3\n!signals SIGKILL\n", "both sent and received", NULL},
    {NULL, PROFILE_P("signal peer=@{profile_name},"), "signals any\n!signals SIGTERM\n", NULL,
     NULL},
    {NULL, PROFILE_P("signal (receive) peer=unconfined,\nsignal (send) set=kill peer=q,"),
     "!signals SIGKILL\n", "signal (send) set=kill peer=q, is left out", NULL},
    {NULL, PROFILE_P("ptrace (readby),\nptrace (read) peer=@{profile_name},"), "ptrace read\n",
     "under the policy itself alone", NULL},
    {NULL, PROFILE_P("ptrace (trace) peer=p,"), "!ptrace trace\n", "needs both sides", NULL},
    {NULL, PROFILE_P("ptrace,"), "ptrace trace\n", NULL, NULL},
    {NULL,
     PROFILE_P("mount fstype=tmpfs options=(rw,nosuid) tmpfs -> /m/,\n"
               "mount options=(rbind,rw) /a/ -> /b/,\nmount options=(rw,private) -> /,\n"
               "umount /m/,\npivot_root,\nmount,"),
     "mounts mount fstype=tmpfs options=nosuid tmpfs -> /m/\n"
     "mounts bind options=rec /a/ -> /b/\nmounts make-private -> /\nmounts umount -> /m/\n"
     "mounts pivot_root\n!mounts mount\n",
     "mount, is left out", NULL},
    {NULL, PROFILE_P("dbus send,\nuserns,\nset rlimit nofile <= 10,\nset rlimit as <= 10M,"), "",
     "userns, is left out: a policy has no such rules", NULL},
    {NULL, "profile p flags=(complain) {\n ^h {\n /x r,\n }\n}\n", "!files /x r\n",
     "--profile p//h", NULL},
    {NULL, "include <none>\n" PROFILE_P("/x r,"), "files /x r\n", "is not there", NULL},
    {NULL, "/usr/bin/x { /a r, }\n", "files /a r\n", "is called usr.bin.x", NULL},
    {NULL, "profile a { /a r, }\nprofile b { /b r, }\n", NULL, NULL,
     "t: there are several profiles in it; --profile says which: a, b"},
    {NULL, PROFILE_P("/a rz,"), NULL, NULL, "t:2:4: expected permissions"},
    {"apparmor", "", NULL, NULL, "there is no profile in it"},
};

#define ENTRY(names, action, more)                                                                 \
    "{\"names\": [" names "], \"action\": \"SCMP_ACT_" action "\"" more "}"
#define PROFILE(default, entries)                                                                  \
    "{\"defaultAction\": \"SCMP_ACT_" default "\", \"syscalls\": [" entries "]}"
#define ARG(index, op, value, two)                                                                 \
    ", \"args\": [{\"index\": " index ", \"op\": \"SCMP_CMP_" op "\", \"value\": " value           \
    ", \"valueTwo\": " two "}]"

static const Row seccomp_rows[] = {
    {NULL, PROFILE("ERRNO", ENTRY("\"read\", \"x_y\"", "ALLOW", "")),
     "syscalls read\n!syscalls write\n", "x_y (allowed): left out: whittle's tables", NULL},
    {NULL, PROFILE("ERRNO", ENTRY("\"socket\"", "ALLOW", ARG("0", "EQ", "2", "0"))),
     "syscalls socket 0=AF_INET\n!syscalls socket\n", NULL, NULL},
    /* Docker's: the policy's mask has bits more, and so is stricter */
    {NULL, PROFILE("ERRNO", ENTRY("\"clone\"", "ALLOW", ARG("0", "MASKED_EQ", "2114060288", "0"))),
     "syscalls clone 0=0\n", NULL, NULL},
    {NULL, PROFILE("ERRNO", ENTRY("\"socket\"", "ALLOW", ARG("0", "NE", "40", "0"))),
     "syscalls socket 0=AF_INET\nsyscalls socket 0=AF_UNIX\n!syscalls socket 0=AF_VSOCK\n!syscalls "
     "socket\n",
     "not equal", NULL},
    {NULL, PROFILE("ERRNO", ENTRY("\"lseek\"", "ALLOW", ARG("2", "GT", "3", "0"))),
     "!syscalls lseek\n", "compares for equality", NULL},
    {NULL,
     PROFILE("ERRNO", ENTRY("\"mount\"", "KILL_PROCESS", "") "," ENTRY("\"bpf\"", "TRAP", "")),
     "syscalls mount deny\n!syscalls bpf deny\n", "no such answer", NULL},
    {NULL, PROFILE("ERRNO", ENTRY("\"bpf\"", "ALLOW", ", \"includes\": {\"caps\": [\"CAP_BPF\"]}")),
     "!syscalls bpf\n", "other capabilities", NULL},
    {NULL,
     PROFILE("ERRNO", ENTRY("\"bpf\"", "ALLOW", ", \"includes\": {\"caps\": [\"CAP_KILL\"]}")),
     "syscalls bpf\n", NULL, NULL},
    {NULL, PROFILE("ALLOW", ENTRY("\"mount\"", "ERRNO", "")),
     "syscalls read\nsyscalls mount deny\n!syscalls mount\n", "allows what it does not name", NULL},
    {NULL, PROFILE("ERRNO", ENTRY("\"bpf\"", "ALLOW", "") "," ENTRY("\"bpf\"", "KILL_PROCESS", "")),
     "syscalls bpf\n!syscalls bpf deny\n", "an earlier entry", NULL},
    {"seccomp", "{\"defaultAction\": 1}", NULL, NULL, "t"},
};

#define SPO(kind, spec)                                                                            \
    "apiVersion: security-profiles-operator.x-k8s.io/v1\nkind: " kind "\nmetadata:\n  name: n\n"   \
    "spec:\n" spec
#define ABSTRACT(parts) SPO("AppArmorProfile", "  abstract:\n" parts)

/* The spec begins in line 6, an abstract profile in line 7. */
static const Row spo_rows[] = {
    {NULL,
     SPO("SeccompProfile",
         "  defaultAction: SCMP_ACT_ERRNO\n  architectures: [SCMP_ARCH_X86_64]\n"
         "  baseProfileName: base\n  syscalls:\n  - names: [read, \"write\"]\n"
         "    action: 'SCMP_ACT_ALLOW'\n  - names:\n    - personality\n    action: SCMP_ACT_ALLOW\n"
         "    args:\n    - {index: 0, op: SCMP_CMP_EQ, value: 8, valueTwo: 0}\n"),
     "syscalls read\nsyscalls write\nsyscalls personality 0=PER_LINUX32\n!syscalls personality\n",
     "t:8: baseProfileName is not carried over", NULL},
    {NULL,
     SPO("SeccompProfile",
         "  defaultAction: SCMP_ACT_ERRNO\n  targetWorkload: custom-profiles\n  syscalls:\n"
         "  - {names: [read], action: SCMP_ACT_ALLOW}\n"),
     "syscalls read\n", "t:7: targetWorkload is not carried over", NULL},
    {NULL, SPO("SeccompProfile", "  defaultAction: SCMP_ACT_ERRNO\n  defaultAktion: x\n"), NULL,
     NULL, "t:7:3: spec of a SeccompProfile has no key \"defaultAktion\"; did you mean"},
    /* JSON's reader names the file's line */
    {NULL,
     SPO("SeccompProfile", "  defaultAction: SCMP_ACT_ERRNO\n\n  defaultAction: SCMP_ACT_ALLOW\n"),
     NULL, NULL, "t:8:"},
    {NULL, SPO("SeccompProfile", "  defaultAction: yes\n"), NULL, NULL, "\"yes\""},
    {NULL,
     ABSTRACT(
         "    executable:\n      allowedExecutables: [/bin/x]\n      allowedLibraries:\n"
         "      - /lib/*.so\n    filesystem: {readOnlyPaths: ['@{run}/r'], writeOnlyPaths: [/w],"
         " readWritePaths: [/a b]}\n    capability: {allowedCapabilities: [chown]}\n"
         "    network: {allowRaw: false, allowedProtocols: {allowTcp: true}}\n"
         "    ptrace: {allowedAccess: [read, readby]}\n  mode: Complain\n"),
     "files /bin/x rmix\nfiles /lib/*.so rm\nfiles /run/r r\nfiles /var/run/r r\nfiles /w wlk\n"
     "files /a\\x20b rwlk\ncapabilities CAP_CHOWN\nnetwork inet stream\n!network inet raw\n"
     "ptrace read\n",
     "mode is not carried over", NULL},
    {NULL, ABSTRACT("    filesystem: {readOnlyPaths: [\"ptrace (read),\"]}\n"), "",
     "t:7: a ptrace rule", NULL},
    {NULL, ABSTRACT("    filesystem: {readonlyPaths: [/x]}\n"), NULL, NULL,
     "t:7:18: filesystem has no key \"readonlyPaths\"; did you mean \"readOnlyPaths\"?"},
    {NULL, ABSTRACT("    filesystem: {readOnlyPaths: [x]}\n"), NULL, NULL,
     "t:7:34: readOnlyPaths: \"x\" is no absolute path"},
    {NULL, ABSTRACT("    filesystem: {readOnlyPaths: [/{a]}\n"), NULL, NULL, "t:7:"},
    {NULL, ABSTRACT("    capability: {allowedCapabilities: [chwon]}\n"), NULL, NULL,
     "t:7:40: there is no capability \"chwon\"; did you mean CAP_CHOWN?"},
    {NULL, ABSTRACT("    network: {allowRaw: perhaps}\n"), NULL, NULL, "true or false"},
    {NULL, SPO("AppArmorProfile", "  policy: |\n    profile x {\n      /x r,\n    }\n"),
     "files /x r\n", NULL, NULL},
    {NULL, SPO("AppArmorProfile", "  policy: |\n    profile x {\n      /x z,\n    }\n"), NULL, NULL,
     "t:8:"},
    {NULL, SPO("SelinuxProfile", "  allow: {}\n"), NULL, NULL, "but kind \"SelinuxProfile\""},
    {NULL, SPO("SeccompProfile", "  []\n"), NULL, NULL, "a mapping \"spec\""},
    {NULL, SPO("SeccompProfile", "  &a [*a]\n"), NULL, NULL, "t:6:7: write out what the alias"},
    {NULL, SPO("SeccompProfile", "  [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]\n"), NULL, NULL,
     "too deep"},
    {NULL, SPO("SeccompProfile", "  {\n"), NULL, NULL, "t:7:1"},
    {NULL, SPO("SeccompProfile", "  defaultAction: SCMP_ACT_ERRNO\n") "---\n" ABSTRACT("    {}\n"),
     NULL, NULL, "there are several profiles in it; --profile says which: n, n"},
    {NULL,
     "apiVersion: v1\nkind: List\nitems:\n- apiVersion: security-profiles-operator.x-k8s.io/v1\n"
     "  kind: SeccompProfile\n  spec: {defaultAction: SCMP_ACT_ERRNO, syscalls: [{names: [read], "
     "action: SCMP_ACT_ALLOW}]}\n",
     "syscalls read\n!syscalls write\n", NULL, NULL},
};

/* Recordings: their facts as "KIND NAME [SELECTORS | access N] SUBJECT RESULT". */
static const Row strace_rows[] = {
    {NULL,
     "1 execve(\"/bin/a\", [\"a\", \"(\", \"=\"], 0x1 /* 2 vars */) = 0\n"
     "1 12:00:01.5 read(3, \"\\\") = 1\", 9) = 0 <0.1>\n",
     "exec /bin/a /bin/a 0\nsyscall execve /bin/a 0\nsyscall read /bin/a 0\n", "capabilities",
     NULL},
    /* selectors by the tables; one that is not known leaves the name alone */
    {NULL, "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = -1 EPERM (x)\n",
     "syscall socket AF_INET SOCK_STREAM IPPROTO_TCP unknown 1\nnetwork create unknown 1\n", NULL,
     NULL},
    {NULL,
     "ioctl(1</dev/pts/0<char 136:0>>, TCGETS, {B38400}) = 0\n"
     "ioctl(1, NOBODY_KNOWS, 0) = 0\n",
     "syscall ioctl TCGETS unknown 0\nsyscall ioctl unknown 0\n", NULL, NULL},
    {NULL, "clone(child_stack=NULL, flags=CLONE_NEWNET|CLONE_VM|SIGCHLD, child_tidptr=0x7) = 9\n",
     "syscall clone CLONE_NEWNET unknown 0\n", NULL, NULL},
    /* halves of a call, between those of others */
    {NULL,
     "1 execve(\"/bin/a\", [], 0x1) = 0\n1 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n"
     "2 getpid() = 2\n1 <... clone resumed>, child_tidptr=0x7) = 3\n3 getuid() = 0\n",
     "syscall clone 0 /bin/a 0\nsyscall getpid unknown 0\nsyscall getuid /bin/a 0\n", NULL, NULL},
    /* paths: where they led, by their folder, or not at all */
    {NULL, "openat(AT_FDCWD</srv>, \"l\", O_RDONLY) = 3</etc/x y>\n",
     "file /etc/x y read unknown 0\n", NULL, NULL},
    {NULL,
     "openat(AT_FDCWD</>, \"dev/tty\", O_RDONLY) = 3</dev/tty<char 5:0>>\n"
     "openat(AT_FDCWD</>, \"l\", O_RDONLY) = 3</a\\74b\\76>(deleted)\n",
     "file /dev/tty read unknown 0\nfile /a<b> read unknown 0\n", NULL, NULL},
    {NULL,
     "open(\"l\", O_RDONLY) = 3</a> <0.000012>\nopen(\"l\", O_RDONLY) = 3</b<char 5:0>> <0.1>\n",
     "file /a read unknown 0\nfile /b read unknown 0\n", NULL, NULL},
    {NULL, "openat(4</srv/a>, \"../b\\303\\251\", O_WRONLY|O_CREAT, 0600) = -1 EACCES (x)\n",
     "file /srv/b\xC3\xA9 write create unknown 13\n", NULL, NULL},
    {NULL, "unlink(\"x\") = 0\nunlink(\"/x//./y\") = 0\n",
     "file /x/y delete unknown 0\n!file x delete "
     "unknown 0\n",
     "1 relative path", NULL},
    /* the working directory: by -y, by where the process went, its parent's; of threads nobody's */
    {NULL,
     "1 openat(AT_FDCWD</srv>, \"/a\", O_RDONLY) = 3\n1 unlink(\"x\") = 0\n"
     "1 chdir(\"d\") = 0\n1 chdir(\"no\") = -1 ENOENT (x)\n1 mkdirat(AT_FDCWD, \"m\", 0700) = 0\n"
     "1 clone(child_stack=NULL, flags=SIGCHLD) = 2\n2 rmdir(\"m\") = 0\n"
     "2 fchdir(4</f>) = 0\n2 rmdir(\"n\") = 0\n1 rmdir(\"o\") = 0\n",
     "file /srv/x delete unknown 0\nfile /srv/d stat unknown 0\nfile /srv/d/m create unknown 0\n"
     "file /srv/d/no stat unknown 2\nfile /srv/d/m delete unknown 0\n"
     "file /f/n delete unknown 0\nfile /srv/d/o delete unknown 0\n",
     "!relative path", NULL},
    {NULL,
     "1 getcwd(\"/srv\", 4096) = 5\n1 clone(flags=CLONE_VM|CLONE_FS) = 2\n2 rmdir(\"m\") = 0\n"
     "1 rmdir(\"m\") = 0\n",
     "!file /srv/m delete unknown 0\n", "2 relative paths", NULL},
    {NULL,
     "1 chdir(\"/srv\") = 0\n1 clone3({flags=0x3d0f00, exit_signal=0} => {parent_tid=[2]}, 88) = "
     "2\n"
     "2 rmdir(\"m\") = 0\n1 rmdir(\"m\") = 0\n",
     "!file /srv/m delete unknown 0\n", "2 relative paths", NULL},
    {NULL,
     "chdir(\"/srv\") = 0\nchdir(\"../b\") = 0\nunlink(\"x\") = 0\nchdir(\"/c\") = 0\n"
     "fchdir(5) = 0\nunlink(\"y\") = 0\ngetcwd(\"(unreachable)/e\", 4096) = 16\n"
     "unlink(\"z\") = 0\n",
     "!file /b/x delete unknown 0\n!file /c/y delete unknown 0\n", "3 relative paths", NULL},
    {NULL, "1 chdir(\"/srv\") = 0\n1 fork() = 2\n2 +++ exited with 0 +++\n2 unlink(\"x\") = 0\n",
     "!file /srv/x delete unknown 0\n", "1 relative path", NULL},
    /* fstat() */
    {NULL, "newfstatat(3, \"\", {st_mode=S_IFREG|0644, ...}, AT_EMPTY_PATH) = 0\n",
     "syscall newfstatat unknown 0\n", "!relative path", NULL},
    /* what only a directory can be */
    {NULL,
     "open(\"/d\", O_RDONLY|O_DIRECTORY) = 3\nopen(\"/e\", 0x10000) = 3\n"
     "open(\"/f\", O_RDONLY|O_DIRECTORY) = -1 ENOTDIR (x)\n"
     "open(\"/t\", O_RDWR|O_TMPFILE, 0600) = 3\nopen(\"/u\", 0x410002, 0600) = 3\n",
     "file /d read directory unknown 0\nfile /e read directory unknown 0\n"
     "file /f read unknown 20\nfile /t read write unknown 0\nfile /u read write unknown 0\n",
     NULL, NULL},
    {NULL, "mmap(NULL, 5, PROT_READ|PROT_EXEC, MAP_PRIVATE, 3</lib/c.so>, 0) = 0x7f\n",
     "file /lib/c.so mmap-exec unknown 0\n", NULL, NULL},
    {NULL, "[pid  7] getpid() = 7\nnonsense\n", "syscall getpid unknown 0\n", "t:2: not understood",
     NULL},
    {NULL, "getpid() = 7\nno_such_call() = 0\n", "syscall getpid unknown 0\n",
     "first of them no_su", NULL},
    /* -Y, --decode-pids=comm; -r behind another time; the frames of -k */
    {NULL,
     "12<a b> execve(\"/bin/a\", [], 0x1) = 0\n[pid 12<a\\76>] getuid() = 0\n"
     "12 1795426294.89 (+     0.000189) getpid() = 7 <0.1>\n > /lib/ld.so(_dl+0x5) [0x6]\n"
     " > unexpected_backtracing_error [0x1]\n",
     "exec /bin/a /bin/a 0\nsyscall getpid /bin/a 0\nsyscall getuid /bin/a 0\n", "!not understood",
     NULL},
    {NULL, "7 0.5 (+ 0.1) getpid() = 7\n", "syscall getpid unknown 0\n", NULL, NULL},
    /* -xx; -X raw */
    {NULL, "openat(AT_FDCWD<\\x2f\\x61>, \"\\x62\", O_RDWR) = 3<\\x2f\\x61\\x2f\\x62>\n",
     "file /a/b read write unknown 0\n", NULL, NULL},
    {NULL,
     "openat(-100</a>, \"b\", 0x80000) = 3</a/b>\nopenat(-100</a>, \"c\", 0x241, 0600) = 3</a/c>\n"
     "open(\"/l\", 02001) = 3\n",
     "file /a/b read unknown 0\nfile /a/c write create truncate unknown 0\n"
     "file /l append unknown 0\n",
     NULL, NULL},
    {"strace", "hello\n", NULL, NULL, "no system call"},
};

/* In the forms that auditd, dmesg and journald write. */
#define AUDITD "type=AVC msg=audit(1700000000.123:45): "
#define FILE_RECORD(more)                                                                          \
    "apparmor=\"DENIED\" operation=\"open\" " more " pid=7 comm=\"n\" "                            \
    "requested_mask=\"r\" denied_mask=\"r\" fsuid=0 ouid=0\n"
#define SECCOMP_RECORD(arch, syscall, code)                                                        \
    "auid=1 pid=9 comm=\"a\" exe=\"/bin/a\" sig=31 arch=" arch " syscall=" syscall                 \
    " compat=0 ip=0x7f code=" code "\n"

/* clang-format does not settle where macros follow each other. */
/* clang-format off */
static const Row audit_rows[] = {
    {NULL, AUDITD FILE_RECORD("profile=\"/bin/n//hat\" name=\"/etc/x\""),
     "file /etc/x read /bin/n 191\n", "1 records are of denials", NULL},
    /* class= of newer kernels; numbers of processes; a folder's slash */
    {NULL,
     "[ 12.5] audit: type=1400 audit(1.2:3): "
     FILE_RECORD("class=\"file\" profile=\"p\" name=\"/proc/7/\"")
     "Nov 22 10:00:00 h kernel: [ 1.2] audit: type=1400 audit(1.2:3): "
     FILE_RECORD("profile=\"p\" name=\"/proc/8/maps\"")
     "Nov 22 10:00:00 h audit[7]: AVC " FILE_RECORD("profile=\"p\" name=2F612062C3A9"),
     "file /proc/self read directory unknown 191\nfile /proc/[pid]/maps read unknown 191\n"
     "file /a b\xC3\xA9 read unknown 191\n", NULL, NULL},
    /* who it was is told by another record of the same id, behind it */
    {NULL,
     AUDITD FILE_RECORD("profile=\"p\" name=\"/etc/x\"")
     "type=SYSCALL msg=audit(1700000000.123:45): arch=c000003e syscall=257 exe=\"/bin/n\"\n",
     "file /etc/x read /bin/n 191\n", NULL, NULL},
    {NULL,
     AUDITD "apparmor=\"ALLOWED\" operation=\"exec\" profile=\"p\" name=2F746D702F6120622F63 "
     "requested_mask=\"x\" denied_mask=\"x\" target=\"p//null-1\"\n",
     "file /tmp/a b/c exec unknown 0\nexec /tmp/a b/c unknown 0\n", NULL, NULL},
    {NULL,
     AUDITD "apparmor=\"DENIED\" operation=\"capable\" profile=\"p\" capability=21  "
     "capname=\"sys_admin\"\n"
     AUDITD "apparmor=\"DENIED\" operation=\"create\" profile=\"p\" family=\"inet6\" "
     "sock_type=\"stream\" protocol=6 requested_mask=\"create\"\n"
     AUDITD "apparmor=\"DENIED\" operation=\"signal\" profile=\"p\" requested_mask=\"send\" "
     "signal=term peer=\"unconfined\"\n"
     AUDITD "apparmor=\"DENIED\" operation=\"ptrace\" profile=\"p\" requested_mask=\"trace\" "
     "peer=\"p\"\n"
     AUDITD "apparmor=\"DENIED\" operation=\"mount\" error=-13 profile=\"p\" name=\"/mnt/\" "
     "fstype=\"tmpfs\" srcname=\"none\" flags=\"rw, nosuid\"\n"
     AUDITD "apparmor=\"DENIED\" operation=\"connect\" profile=\"p\" family=\"unix\" "
     "sock_type=\"stream\" addr=none peer_addr=\"@abc\" peer=\"q\"\n",
     "capability CAP_SYS_ADMIN unknown 191\nnetwork socket unknown 191\n"
     "signal SIGTERM unknown 191\nptrace trace unknown 191\nmount mount unknown 191\n"
     "unix connect unknown 191\n",
     "6 records are of denials", NULL},
    {NULL,
     "type=SECCOMP msg=audit(1.2:3): " SECCOMP_RECORD("c000003e", "59", "0x80000000")
     "audit: type=1326 audit(1.2:4): " SECCOMP_RECORD("40000003", "1", "0x7ffc0000")
     "h audit[9]: SECCOMP " SECCOMP_RECORD("c000003e", "9999", "0x50001"),
     "syscall execve /bin/a 191\nsyscall exit /bin/a 191\nsyscall syscall_9999 /bin/a 191\n",
     "2 records are of denials", NULL},
    /* that a profile was loaded is nothing; what cannot be a fact is told */
    {NULL,
     AUDITD "apparmor=\"STATUS\" operation=\"profile_load\" name=\"p\"\n"
     AUDITD FILE_RECORD("profile=\"p\" name=\"run/x\" info=\"disconnected\""),
     "!file run/x read unknown 191\n", "t:2: no fact", NULL},
    {NULL, "type=SECCOMP msg=audit(1.2:3): pid=9\n", "", "t:1: arch= or", NULL},
    /* somebody else's message is not the kernel's; SELinux has AVC records as well */
    {"audit", "Nov 22 10:00:00 h eve: audit: type=1400 audit(1.2:3): "
     FILE_RECORD("profile=\"p\" name=\"/x\""), NULL, NULL, "no audit record"},
    {"audit", AUDITD "avc:  denied  { read } for  pid=7 name=\"x\"\n", NULL, NULL,
     "no audit record"},
};
/* clang-format on */

static void print_facts(const Recording *recording, Buffer *out)
{
    const Fact *fact;
    char text[64];
    Fact view;

    for (size_t i = 0; i < recording_facts_count(recording); i++) {
        fact = recording_fact(recording, i, &view);
        (void)buffer_printf(out, "%s %s", fact_kind_name(fact->kind), fact->name);
        for (unsigned a = 0; a < SYSCALL_ARGS; a++) {
            if (fact->args_present >> a & 1)
                (void)buffer_printf(out, " %s", fact_arg_text(fact, a, text, sizeof text));
        }
        for (unsigned bit = 0; fact->kind == FACT_FILE && bit < ACCESS_BITS; bit++) {
            if (fact_number(fact, FIELD_ACCESS, 0) >> bit & 1)
                (void)buffer_printf(out, " %s", access_bit_name(bit));
        }
        if (fact_text(fact, FIELD_FILE_TYPE))
            (void)buffer_printf(out, " %s", fact_text(fact, FIELD_FILE_TYPE));
        (void)buffer_printf(out, " %s", fact->subject);
        for (int result = 0; result <= RESULT_UNKNOWN; result++) {
            if (results_has(&fact->results, result))
                (void)buffer_printf(out, " %d", result);
        }
        (void)buffer_putc(out, '\n');
    }
}

static void print_rules(const Policy *policy, Buffer *out)
{
    for (size_t i = 0; i < policy_rules_count(policy); i++) {
        const PolicyRule *rule = policy_rule(policy, i);
        ck_assert_msg(rule->reason != NULL, "%s has no reason", rule->name);
        (void)buffer_printf(out, "%s ", policy_section_name(rule->section));
        (void)policy_rule_print(rule, out);
        (void)buffer_puts(out, rule->deny ? " deny\n" : "\n");
    }
}

static void check_lines(const char *wanted, const char *got)
{
    CLEANUP(buffer_deinit) Buffer all = BUFFER_INIT;

    (void)buffer_printf(&all, "\n%s", got);
    for (const char *line = wanted; *line;) {
        CLEANUP(buffer_deinit) Buffer one = BUFFER_INIT;
        const size_t length = strcspn(line, "\n");
        const bool absent = *line == '!';
        (void)buffer_printf(&one, "\n%.*s\n", (int)(length - absent), line + absent);
        ck_assert_msg((strstr(buffer_text(&all), buffer_text(&one)) != NULL) != absent,
                      "%.*s: not so in\n%s", (int)length, line, got);
        line += length + (line[length] == '\n');
    }
}

static void check_row(const Row *row)
{
    const ImportSource source = {"t", row->text, strlen(row->text)};
    CLEANUP(imported_deinit) Imported imported = {0};
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    Error err = {0};
    const int r = import_text(&source, row->form, NULL, &imported, &notes, &err);

    if (r == -ENOTSUP) /* built without the form's library */
        return;
    if (row->error) {
        ck_assert_msg(r < 0 && strstr(err.text, row->error), "%d: %s\nwanted: %s", r, err.text,
                      row->error);
        ck_assert_ptr_null(imported.policy);
        ck_assert_ptr_null(imported.recording);
        return;
    }
    ck_assert_msg(r == 0, "%s\n%s", err.text, row->text);
    const bool unwanted = row->notes && row->notes[0] == '!';
    const char *note = row->notes ? strstr(buffer_text(&notes), row->notes + unwanted) : NULL;
    ck_assert_msg(!row->notes || (note != NULL) != unwanted, "%s\nwanted: %s", buffer_text(&notes),
                  row->notes);
    ck_assert_int_ne(imported.policy != NULL, imported.recording != NULL);
    if (imported.policy)
        print_rules(imported.policy, &out);
    else
        print_facts(imported.recording, &out);
    check_lines(row->rules, buffer_text(&out));
}

START_TEST(test_bane)
{
    check_row(&bane_rows[_i]);
}
END_TEST

START_TEST(test_apparmor)
{
    check_row(&apparmor_rows[_i]);
}
END_TEST

/* Of several profiles the one that is asked for, and only where there may be several. */
START_TEST(test_profile)
{
    static const char text[] = "profile a { /a r, }\nprofile b { ^h { /h r, } }\n";
    static const struct {
        const char *profile, *rule, *error;
    } rows[] = {
        {"a", "files /a r\n", NULL},
        {"b//h", "files /h r\n", NULL},
        {"c", NULL, "t: there is no profile \"c\" in it, but: a, b, b//h"},
    };
    Error err = {0};

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const ImportSource source = {
            .name = "t", .text = text, .length = strlen(text), .profile = rows[i].profile};
        CLEANUP(imported_deinit) Imported imported = {0};
        CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
        CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
        const int r = import_text(&source, NULL, NULL, &imported, &notes, &err);
        ck_assert_int_eq(r, rows[i].error ? -EINVAL : 0);
        if (rows[i].error) {
            ck_assert_str_eq(err.text, rows[i].error);
            continue;
        }
        print_rules(imported.policy, &out);
        ck_assert_str_eq(buffer_text(&out), rows[i].rule);
    }
    const ImportSource other = {.name = "t", .text = "read(0) = 0\n", .length = 12, .profile = "a"};
    CLEANUP(imported_deinit) Imported imported = {0};
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    ck_assert_int_eq(import_text(&other, "strace", NULL, &imported, &notes, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "--profile"));
}
END_TEST

START_TEST(test_seccomp)
{
    check_row(&seccomp_rows[_i]);
}
END_TEST

START_TEST(test_spo)
{
    check_row(&spo_rows[_i]);
}
END_TEST

START_TEST(test_audit)
{
    check_row(&audit_rows[_i]);
}
END_TEST

START_TEST(test_strace)
{
    check_row(&strace_rows[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("import");

    suite_add(suite, "apparmor", test_apparmor, ARRAY_LENGTH(apparmor_rows));
    suite_add(suite, "profile", test_profile, 1);
    suite_add(suite, "bane", test_bane, ARRAY_LENGTH(bane_rows));
    suite_add(suite, "seccomp", test_seccomp, ARRAY_LENGTH(seccomp_rows));
    suite_add(suite, "spo", test_spo, ARRAY_LENGTH(spo_rows));
    suite_add(suite, "audit", test_audit, ARRAY_LENGTH(audit_rows));
    suite_add(suite, "strace", test_strace, ARRAY_LENGTH(strace_rows));
    return suite_run(suite);
}
