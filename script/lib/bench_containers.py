#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""For script/bench: how long `docker run --rm IMAGE true` and `docker exec CONTAINER true` take with runc and crun, and
with whittle-oci over them, by eBPF and by the listener. One round runs each once, in turn. Prints JSON: by kind of
command and runtime the seconds of each round. In namespaces of its own, with a Docker daemon of its own.

usage: bench_containers.py WHITTLE-OCI ROUNDS
"""
import json
import os
import shutil
import subprocess
import sys
import time

import engines

IMAGE = "localhost/whittle-bench:latest"
SETTLED = 2  # rounds before those that count: what is read for the first time


def write(path, text, mode):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def wrapper(folder, whittle_oci, runtime, backend):
    """A runtime for Docker: whittle-oci over RUNTIME."""
    path = f"{folder}/whittle-{runtime}-{backend}"
    write(path + ".yaml", f"runtime: {shutil.which(runtime)}\noutput: {folder}/recordings\nbackend: {backend}\n", 0o644)
    write(path, f'#!/bin/sh\nWHITTLE_OCI_CONFIG={path}.yaml exec {whittle_oci} "$@"\n', 0o755)
    return path


def load_image(engine, folder):
    root = f"{folder}/root"
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
        os.makedirs(f"{root}/{name}")
    shutil.copy2(shutil.which("busybox"), root + "/bin/busybox")
    for name in ("sleep", "true"):
        os.symlink("busybox", f"{root}/bin/{name}")
    subprocess.run(["tar", "-C", root, "-cf", f"{folder}/image.tar", "."], check=True)
    engine.load(f"{folder}/image.tar", IMAGE)


def took(engine, *words):
    begin = time.monotonic()
    done = subprocess.run([*engine.command(None), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"docker {' '.join(words)}: {done.stderr}")
    return time.monotonic() - begin, done.stdout.strip()


def measure(engine, runtimes, rounds):
    times = {kind: {runtime: [] for runtime in runtimes} for kind in ("run", "exec")}
    running = {runtime: took(engine, "run", "--detach", *engine.options(runtime), IMAGE, "sleep", "10000")[1] for runtime in runtimes}
    for number in range(SETTLED + rounds):
        for runtime in runtimes:
            seconds = {"run": took(engine, "run", "--rm", *engine.options(runtime), IMAGE, "true")[0],
                       "exec": took(engine, "exec", running[runtime], "true")[0]}
            for kind, value in seconds.items():
                times[kind][runtime] += [value] if number >= SETTLED else []
    for container in running.values():
        took(engine, "rm", "--force", container)
    return times


def main():
    whittle_oci, rounds = os.path.realpath(sys.argv[1]), int(sys.argv[2])
    try:
        folder = engines.enter("whittle-bench-")
        os.mkdir(folder + "/recordings")
        real = [name for name in ("runc", "crun") if shutil.which(name)]
        further = {f"whittle-{runtime}-{backend}": wrapper(folder, whittle_oci, runtime, backend)
                   for runtime in real for backend in ("bpf", "listener")}
        engine = engines.Docker(folder, real, further)
        load_image(engine, folder)
        try:
            print(json.dumps(measure(engine, [name for runtime in real for name in (runtime, *(f for f in further if runtime in f))], rounds)))
        finally:
            engine.shut_down()
    except (engines.Unavailable, engines.EngineError) as reason:
        sys.exit(str(reason))


main()
