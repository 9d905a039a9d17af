/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel asks a capability for and does all the same, beside what else asks there. */
#include "capability_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static Outcome read_some(const char *path)
{
    char text[64];
    int fd;

    if (access(path, F_OK) != 0)
        return cannot("this kernel has no such file");
    begin();
    fd = open(path, O_RDONLY);
    return outcome(fd >= 0 && read(fd, text, sizeof text) > 0);
}

static Outcome pid_max(void)
{
    return read_some("/proc/sys/kernel/pid_max");
}

static Outcome next_id(void)
{
    return read_some("/proc/sys/kernel/sem_next_id");
}

static Outcome iomem(void)
{
    return read_some("/proc/iomem");
}

static Outcome pagemap(void)
{
    return read_some("/proc/self/pagemap");
}

static int tcp_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    check(fd >= 0, "socket");
    return fd;
}

static Outcome no_interface(void)
{
    struct ifreq about = {.ifr_name = "nosuch0"};
    int fd = tcp_socket();

    begin();
    return outcome(ioctl(fd, SIOCGIFINDEX, &about) < 0 && errno == ENODEV);
}

static Outcome queue_length(void)
{
    struct ifreq about = {.ifr_name = "lo"};
    int fd = tcp_socket();

    check(ioctl(fd, SIOCGIFTXQLEN, &about) == 0, "the length is told to everybody");
    begin();
    return outcome(ioctl(fd, SIOCSIFTXQLEN, &about) == 0);
}

const Action probe_actions[] = {
    {"pid-max", "-", "-", pid_max},
    {"next-id", "-", "-", next_id},
    {"iomem", "-", "-", iomem},
    {"pagemap", "-", "-", pagemap},
    {"no-interface", "-", "-", no_interface},
    {"queue-length", "CAP_NET_ADMIN", "-", queue_length},
    {NULL, NULL, NULL, NULL},
};
