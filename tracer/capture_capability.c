/* SPDX-License-Identifier: Apache-2.0 */
/* Capability checks of the kernel: not made into facts yet. */
#include "tracer/capture_private.h"

int capability_event(Capture *capture, Observer *observer, Tracee *tracee)
{
    (void)capture;
    (void)observer;
    (void)tracee;
    return 0;
}
