# SPDX-License-Identifier: Apache-2.0
"""Signals to oneself, children, groups; timers; and how the program ends: killed."""
import os
import signal
import time

got = []
for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGCHLD, signal.SIGRTMIN + 3):
    signal.signal(number, lambda n, _: got.append(n))
    signal.siginterrupt(number, False)  # docs/ORACLES.md, "Interrupted calls"
os.kill(os.getpid(), signal.SIGUSR1)
os.kill(os.getpid(), signal.SIGRTMIN + 3)
signal.setitimer(signal.ITIMER_REAL, 0.05)
signal.pause()
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    time.sleep(30)
    os._exit(0)
time.sleep(0.1)  # so that it does sleep
try:
    os.setpgid(child, child)
except OSError:
    pass
os.kill(child, signal.SIGSTOP)
os.waitpid(child, os.WUNTRACED)
os.kill(child, signal.SIGCONT)
os.killpg(child, signal.SIGTERM)
os.waitpid(child, 0)
fd = os.pidfd_open(os.getpid())
signal.pidfd_send_signal(fd, signal.SIGUSR1)
try:
    os.kill(2**22 + 1, 0)
except ProcessLookupError:
    pass
signal.pthread_kill(signal.pthread_self() if hasattr(signal, "pthread_self") else __import__("threading").get_ident(), signal.SIGUSR1)
os.kill(os.getpid(), signal.SIGKILL)
