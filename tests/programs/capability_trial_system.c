/* SPDX-License-Identifier: Apache-2.0 */
#include "capability_trial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- network -------------------------------------------------------------------------------- */

static Outcome bind_to(uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    check(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0, "socket");
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    begin();
    return outcome(bind(fd, (struct sockaddr *)&name, sizeof name) == 0);
}

static Outcome bind_low(void)
{
    if (read_sysctl("net/ipv4/ip_unprivileged_port_start") <= 887)
        return cannot("low ports are everybody's here");
    return bind_to(887);
}

static Outcome bind_any(void)
{
    return bind_to(0);
}

static Outcome raw_socket(void)
{
    begin();
    return outcome(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
}

static Outcome packet_socket(void)
{
    begin();
    return outcome(socket(AF_PACKET, SOCK_DGRAM, 0) >= 0);
}

static Outcome datagram_socket(void)
{
    begin();
    return outcome(socket(AF_INET, SOCK_DGRAM, 0) >= 0);
}

static Outcome option(int level, int name, int value)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(fd >= 0, "socket");
    begin();
    return outcome(setsockopt(fd, level, name, &value, sizeof value) == 0);
}

static Outcome force_buffer(void)
{
    return option(SOL_SOCKET, SO_RCVBUFFORCE, 100000);
}

static Outcome set_buffer(void)
{
    return option(SOL_SOCKET, SO_RCVBUF, 100000);
}

static Outcome mark(void)
{
    return option(SOL_SOCKET, SO_MARK, 5);
}

static Outcome priority_high(void)
{
    return option(SOL_SOCKET, SO_PRIORITY, 7);
}

static Outcome priority_low(void)
{
    return option(SOL_SOCKET, SO_PRIORITY, 6);
}

static Outcome transparent(void)
{
    return option(IPPROTO_IP, IP_TRANSPARENT, 1);
}

/* Sets the flags that the loopback has already. */
static Outcome interface_flags(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    check(fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0, "lo");
    begin();
    return outcome(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
}

static Outcome interface_read(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    check(fd >= 0, "socket");
    begin();
    return outcome(ioctl(fd, SIOCGIFFLAGS, &request) == 0);
}

/* Sends a route message about the loopback and waits for its answer. */
static Outcome route_message(uint16_t type)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
    } request = {.header = {.nlmsg_len = sizeof request,
                            .nlmsg_type = type,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
                 .info = {.ifi_index = 1}};
    union {
        struct nlmsghdr header;
        char space[8192];
    } answer;
    int error, fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    check(fd >= 0, "socket");
    begin();
    check(send(fd, &request, sizeof request, 0) == sizeof request, "send");
    check(recv(fd, &answer, sizeof answer, 0) >= (ssize_t)sizeof answer.header + 4, "recv");
    memcpy(&error, NLMSG_DATA(&answer.header), sizeof error);
    return outcome(answer.header.nlmsg_type != NLMSG_ERROR || error == 0);
}

static Outcome route_change(void)
{
    return route_message(RTM_SETLINK);
}

static Outcome route_read(void)
{
    return route_message(RTM_GETLINK);
}

/* ---- namespaces and mounts ------------------------------------------------------------------ */

static void own_mounts(void)
{
    check(unshare(CLONE_NEWNS) == 0, "unshare");
    check(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
}

static Outcome mount_tmpfs(void)
{
    const char *path = make_folder("mount", 0755, 0, 0);
    own_mounts();
    begin();
    return outcome(mount("none", path, "tmpfs", 0, NULL) == 0);
}

static Outcome umount_tmpfs(void)
{
    const char *path = make_folder("mount", 0755, 0, 0);
    own_mounts();
    check(mount("none", path, "tmpfs", 0, NULL) == 0, "mount");
    begin();
    return outcome(umount2(path, MNT_DETACH) == 0);
}

/* A recorder that holds the folder open makes it fail. */
static Outcome umount_unused(void)
{
    const char *path = make_folder("mount", 0755, 0, 0);
    own_mounts();
    check(mount("none", path, "tmpfs", 0, NULL) == 0, "mount");
    begin();
    return outcome(umount2(path, 0) == 0);
}

static Outcome change_root(void)
{
    const char *path = make_folder("root", 0755, 0, 0);
    begin();
    return outcome(chroot(path) == 0);
}

static Outcome unshare_with(int flags)
{
    begin();
    return outcome(unshare(flags) == 0);
}

static Outcome unshare_network(void)
{
    return unshare_with(CLONE_NEWNET);
}

static Outcome unshare_files(void)
{
    return unshare_with(CLONE_FILES);
}

static Outcome clone_namespace(void)
{
    pid_t pid;
    begin();
    pid = (pid_t)syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return outcome(pid > 0 && waitpid(pid, NULL, 0) == pid);
}

static Outcome enter_namespace(void)
{
    int fd = open("/proc/self/ns/uts", O_RDONLY);
    check(fd >= 0, "namespace");
    begin();
    return outcome(setns(fd, CLONE_NEWUTS) == 0);
}

static Outcome host_name(void)
{
    check(unshare(CLONE_NEWUTS) == 0, "unshare");
    begin();
    return outcome(sethostname("trial", 5) == 0);
}

static Outcome load_filter(void)
{
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    struct sock_fprog program = {1, &allow};
    return outcome(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
}

static Outcome filter(void)
{
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return cannot("no_new_privs is set");
    begin();
    return load_filter();
}

static Outcome filter_no_new_privs(void)
{
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
    begin();
    return load_filter();
}

static Outcome chosen_pid(void)
{
    pid_t wanted = 31000 + getpid() % 1000, pid;
    struct clone_args args = {
        .exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&wanted, .set_tid_size = 1};
    begin();
    /* A number that is taken is no refusal. */
    do {
        pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
        if (pid == 0)
            _exit(0);
    } while (pid < 0 && errno == EEXIST && ++wanted < 32000);
    return outcome(pid == wanted && waitpid(pid, NULL, 0) == pid);
}

/* ---- the machine ---------------------------------------------------------------------------- */

static Outcome notify_all(unsigned flags)
{
    int fd;
    begin();
    fd = fanotify_init(flags, O_RDONLY);
    if (fd >= 0)
        return WORKED;
    return errno == ENOSYS ? cannot("no fanotify here") : REFUSED;
}

static Outcome notify_full(void)
{
    return notify_all(FAN_CLASS_NOTIF);
}

static Outcome notify_handles(void)
{
    return notify_all(FAN_CLASS_NOTIF | FAN_REPORT_FID);
}

static Outcome log_size(void)
{
    begin();
    return outcome(klogctl(9 /* SYSLOG_ACTION_SIZE_UNREAD */, NULL, 0) >= 0);
}

static Outcome log_buffer(void)
{
    if (read_sysctl("kernel/dmesg_restrict") != 0)
        return cannot("kernel.dmesg_restrict is set");
    begin();
    return outcome(klogctl(10 /* SYSLOG_ACTION_SIZE_BUFFER */, NULL, 0) >= 0);
}

/* Sets the clock's status to what it is. */
static Outcome adjust_clock(void)
{
    struct timex now = {.modes = 0};
    check(adjtimex(&now) >= 0, "adjtimex");
    now.modes = ADJ_STATUS;
    begin();
    return outcome(adjtimex(&now) >= 0);
}

static Outcome read_clock(void)
{
    struct timex now = {.modes = 0};
    begin();
    return outcome(adjtimex(&now) >= 0);
}

static Outcome alarm_timer(void)
{
    begin();
    return outcome(timerfd_create(CLOCK_BOOTTIME_ALARM, 0) >= 0);
}

static Outcome plain_timer(void)
{
    begin();
    return outcome(timerfd_create(CLOCK_BOOTTIME, 0) >= 0);
}

/* What is left of the flag shows in fdinfo. */
static Outcome epoll_wakeup(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLWAKEUP};
    int epoll = epoll_create1(0), ends[2];
    unsigned events = 0;
    char path[64], line[256];
    FILE *file;
    check(epoll >= 0 && pipe(ends) == 0, "epoll");
    begin();
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
    (void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", epoll);
    file = fopen(path, "re");
    check(file != NULL, path);
    while (fgets(line, sizeof line, file)) {
        const char *at_events = strstr(line, "events:");
        if (at_events)
            events = (unsigned)strtoul(at_events + 7, NULL, 16);
    }
    (void)fclose(file);
    return outcome(events & EPOLLWAKEUP);
}

static Outcome io_ports(void)
{
#ifdef SYS_ioperm
    begin();
    if (syscall(SYS_ioperm, 0x378, 1, 1) == 0)
        return WORKED;
    return errno == ENOSYS ? cannot("no ioperm here") : REFUSED;
#else
    return cannot("no ioperm here");
#endif
}

static Outcome hangup(void)
{
    check(setsid() >= 0 || errno == EPERM, "setsid");
    begin();
    return outcome(vhangup() == 0);
}

static Outcome accounting_off(void)
{
    begin();
    return outcome(acct(NULL) == 0);
}

static Outcome perf_kernel(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_TASK_CLOCK};
    if (read_sysctl("kernel/perf_event_paranoid") < 2)
        return cannot("kernel.perf_event_paranoid is below 2");
    begin();
    return outcome(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) >= 0);
}

static Outcome bpf_map(void)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = attr.value_size = 4;
    attr.max_entries = 1;
    if (read_sysctl("kernel/unprivileged_bpf_disabled") <= 0)
        return cannot("kernel.unprivileged_bpf_disabled is off");
    begin();
    return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr) >= 0);
}

static Outcome bpf_next_program(void)
{
    union bpf_attr attr;
    long result;
    memset(&attr, 0, sizeof attr);
    begin();
    result = syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof attr);
    if (result < 0 && errno == ENOENT)
        return cannot("there is no BPF program");
    return outcome(result == 0);
}

static Outcome small_ring(void)
{
    struct {
        uint32_t words[30];
    } params = {0};
    long fd;
    begin();
    fd = syscall(SYS_io_uring_setup, 1, &params);
    if (fd < 0 && (errno == ENOSYS || read_sysctl("kernel/io_uring_disabled") > 0))
        return cannot("no io_uring here");
    return outcome(fd >= 0);
}

/* /proc/sys/net is the network administrator's besides root's. */
static Outcome read_network_setting(void)
{
    begin();
    return outcome(read_sysctl("net/ipv4/ip_forward") >= 0);
}

const Action system_actions[] = {
    {"bind-low", "CAP_NET_BIND_SERVICE", "-", bind_low},
    {"bind-any", "-", "-", bind_any},
    {"raw-socket", "CAP_NET_RAW", "-", raw_socket},
    {"packet-socket", "CAP_NET_RAW", "-", packet_socket},
    {"datagram-socket", "-", "-", datagram_socket},
    {"force-buffer", "CAP_NET_ADMIN", "-", force_buffer},
    {"set-buffer", "-", "-", set_buffer},
    {"mark", "CAP_NET_ADMIN", "CAP_NET_RAW", mark},
    {"priority-high", "CAP_NET_ADMIN", "CAP_NET_RAW", priority_high},
    {"priority-low", "-", "-", priority_low},
    {"transparent", "CAP_NET_RAW", "CAP_NET_ADMIN", transparent},
    {"interface-flags", "CAP_NET_ADMIN", "-", interface_flags},
    {"interface-read", "-", "-", interface_read},
    {"route-change", "CAP_NET_ADMIN", "-", route_change},
    {"route-read", "-", "-", route_read},
    {"small-ring", "-", "-", small_ring},
    {"network-setting", "-", "-", read_network_setting},
    {"mount", "CAP_SYS_ADMIN", "-", mount_tmpfs},
    {"umount", "CAP_SYS_ADMIN", "-", umount_tmpfs},
    {"umount-unused", "CAP_SYS_ADMIN", "-", umount_unused},
    {"chroot", "CAP_SYS_CHROOT", "-", change_root},
    {"unshare-network", "CAP_SYS_ADMIN", "-", unshare_network},
    {"unshare-files", "-", "-", unshare_files},
    {"clone-namespace", "CAP_SYS_ADMIN", "-", clone_namespace},
    {"enter-namespace", "CAP_SYS_ADMIN", "-", enter_namespace},
    {"host-name", "CAP_SYS_ADMIN", "-", host_name},
    {"filter", "CAP_SYS_ADMIN", "-", filter},
    {"filter-no-new-privs", "-", "-", filter_no_new_privs},
    {"chosen-pid", "CAP_CHECKPOINT_RESTORE", "CAP_SYS_ADMIN", chosen_pid},
    {"fanotify-full", "CAP_SYS_ADMIN", "-", notify_full},
    {"fanotify-handles", "-", "-", notify_handles},
    {"log-size", "CAP_SYSLOG", "-", log_size},
    {"log-buffer", "-", "-", log_buffer},
    {"adjust-clock", "CAP_SYS_TIME", "-", adjust_clock},
    {"read-clock", "-", "-", read_clock},
    {"alarm-timer", "CAP_WAKE_ALARM", "-", alarm_timer},
    {"plain-timer", "-", "-", plain_timer},
    {"epoll-wakeup", "CAP_BLOCK_SUSPEND", "-", epoll_wakeup},
    {"io-ports", "CAP_SYS_RAWIO", "-", io_ports},
    {"hangup", "CAP_SYS_TTY_CONFIG", "-", hangup},
    {"accounting-off", "CAP_SYS_PACCT", "-", accounting_off},
    {"perf-kernel", "CAP_PERFMON", "CAP_SYS_ADMIN", perf_kernel},
    {"bpf-map", "CAP_BPF", "CAP_SYS_ADMIN", bpf_map},
    {"bpf-next-program", "CAP_SYS_ADMIN", "-", bpf_next_program},
    {NULL, NULL, NULL, NULL},
};
