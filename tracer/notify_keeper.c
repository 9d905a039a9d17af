/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/notify_keeper.h"

#include "base/io.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Keeps only what it needs: two descriptors, in 0 and 1, and no capability. Neither may a root that
 * sees it, in a container with the host's processes, take over what it holds. */
static void shed(int listener_fd, int life_fd)
{
    const int listener = fcntl(listener_fd, F_DUPFD_CLOEXEC, 3);
    const int life = fcntl(life_fd, F_DUPFD_CLOEXEC, 3);

    (void)dup3(listener, 0, O_CLOEXEC);
    (void)dup3(life, 1, O_CLOEXEC);
    if (syscall(SYS_close_range, 2, ~0u, 0) < 0) {
        for (int fd = 2; fd < 4096; fd++)
            (void)close(fd);
    }
    (void)setsid();
    (void)prctl(PR_SET_NAME, "notify-keeper");
    (void)prctl(PR_SET_DUMPABLE, 0);
    cap_t none = cap_init();
    if (none) {
        (void)cap_set_proc(none);
        (void)cap_free(none);
    }
    if (chdir("/") < 0)
        return; /* it then keeps the folder busy, no more */
}

typedef struct seccomp_notif_resp Response;

/* What REQUEST gets. */
static Response answer(const ContainerFilter *filter, const struct seccomp_notif *request)
{
    const uint64_t *const args = (const uint64_t *)request->data.args;
    const int refusal =
        container_filter_notified(filter, request->data.arch, request->data.nr, args);

    return (Response){.id = request->id,
                      .error = -refusal,
                      .flags = refusal ? 0 : (unsigned)SECCOMP_USER_NOTIF_FLAG_CONTINUE};
}

static void answer_all(const ContainerFilter *filter, const struct seccomp_notif *requests,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Response response = answer(filter, &requests[i]);
        if (response.id != 0)
            (void)seccomp_notify_respond(0, &response);
    }
}

/* Receives all that wait before any is answered: what runs may send signals, and only a call that
 * has been received is safe from them (tracer/notify.c). */
static void serve(int listener, const ContainerFilter *filter)
{
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    Response responses[KEEPER_SLOTS];
    unsigned count = 0;

    while (poll(&waiting, 1, count ? 0 : -1) >= 0 || errno == EINTR) {
        if ((waiting.revents & POLLIN) && count < KEEPER_SLOTS) {
            struct seccomp_notif request = {0};
            if (seccomp_notify_receive(listener, &request) == 0)
                responses[count++] = answer(filter, &request);
            continue;
        }
        for (unsigned i = 0; i < count; i++)
            (void)seccomp_notify_respond(listener, &responses[i]);
        if (count == 0 && (waiting.revents & (POLLHUP | POLLERR | POLLNVAL)))
            return;
        count = 0;
    }
}

__attribute__((noreturn)) static void keeper_main(const KeeperPage *page, int listener_fd,
                                                  int life_fd, bool lets_run,
                                                  const ContainerFilter *filter)
{
    char byte;

    shed(listener_fd, life_fd);
    while (read(1, &byte, 1) < 0 && errno == EINTR)
        ;
    if (!lets_run)
        _exit(0);
    answer_all(filter, page->ring, ARRAY_LENGTH(page->ring));
    answer_all(filter, page->in_hand, ARRAY_LENGTH(page->in_hand));
    answer_all(filter, page->held, ARRAY_LENGTH(page->held));
    serve(0, filter);
    _exit(0);
}

int keeper_start(Keeper *keeper, int listener_fd, bool lets_run, const ContainerFilter *filter)
{
    int life[2];

    KeeperPage *page =
        mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return -errno;
    if (pipe2(life, O_CLOEXEC) < 0) {
        const int error = -errno;
        (void)munmap(page, sizeof *page);
        return error;
    }
    const pid_t pid = fork();
    if (pid < 0) {
        const int error = -errno;
        (void)close(life[0]);
        (void)close(life[1]);
        (void)munmap(page, sizeof *page);
        return error;
    }
    if (pid == 0) {
        (void)close(life[1]);
        keeper_main(page, listener_fd, life[0], lets_run, filter);
    }
    (void)close(life[0]);
    *keeper = (Keeper){.page = page, .life_fd = life[1]};
    return 0;
}

void keeper_release(Keeper *keeper)
{
    fd_close(&keeper->life_fd);
    if (keeper->page)
        (void)munmap(keeper->page, sizeof *keeper->page);
    keeper->page = NULL;
}
