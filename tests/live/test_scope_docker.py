#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recording a container of a Docker daemon of the test's own: by its name, and by the beginning of its id."""
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

import live  # noqa: E402

sys.path.insert(0, os.path.join(live.SOURCE, "script", "lib"))

import engines  # noqa: E402  (needs the path above)

IMAGE = "localhost/whittle-scope:latest"
COMMAND = ["/bin/busybox", "sh", "-c", "until [ -e /go ]; do busybox sleep 0.05; done; busybox cat /etc/group"]


def load_image(engine, folder):
    root = os.path.join(folder, "rootfs")
    os.makedirs(f"{root}/bin")
    os.makedirs(f"{root}/etc")
    shutil.copy(shutil.which("busybox"), f"{root}/bin/busybox")
    for name in ("group", "shells", "issue"):
        with open(f"{root}/etc/{name}", "w", encoding="ascii"):
            pass
    subprocess.run(["tar", "-C", root, "-cf", f"{folder}/image.tar", "."], check=True)
    engine.load(f"{folder}/image.tar", IMAGE)


def docker(engine, *arguments):
    done = subprocess.run(engine.command(None, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=engines.LIMIT, check=False)
    live.equal(done.returncode, 0, f"docker {arguments[0]}: {done.stderr}")


def record_container(engine, folder, name_of):
    """NAME_OF(name, id) is what whittle is given."""
    recording = os.path.join(folder, "rec.jsonl")
    name = engine.start("runc", IMAGE, [], COMMAND)
    other = engine.start("runc", IMAGE, [], COMMAND)
    try:
        identity = engine.inspect(name)["Id"]
        process = subprocess.Popen([live.WHITTLE, "record", "-o", recording, "--container", name_of(name, identity)],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        live.wait_until(lambda: os.path.exists(recording) or process.poll() is not None, 60, "whittle")
        docker(engine, "exec", other, "/bin/busybox", "cat", "/etc/issue")
        docker(engine, "exec", name, "/bin/busybox", "cat", "/etc/shells")
        docker(engine, "exec", name, "/bin/busybox", "touch", "/go")
        status, out, err = live.finish(process)
        live.equal(status, 0, f"status: {err}")
    finally:
        engine.remove(name)
        engine.remove(other)
    result = live.Result(status, out, err, recording)
    found = {f["name"] for f in result.facts("file") if f["name"] in ("/etc/group", "/etc/shells", "/etc/issue")}
    live.equal(found, {"/etc/group", "/etc/shells"}, "files")
    run = result.document["runs"][0]
    live.equal((run["container"], run["runtime"], run["image"]), (name, "runc", IMAGE), "header")
    live.check(identity in run["cgroup"], f"cgroup {run['cgroup']}")
    os.unlink(recording)


def unknown_container(engine, folder):
    name = engine.start("runc", IMAGE, [], COMMAND)
    try:
        done = live.native([live.WHITTLE, "record", "-o", f"{folder}/rec.jsonl", "--container", "nobody"])
        live.equal(done[0], 125, done[2])
        live.check("there is no container nobody" in done[2] and name in done[2], done[2])
        docker(engine, "kill", name)
        docker(engine, "wait", name)  # kill only sends the signal
        done = live.native([live.WHITTLE, "record", "-o", f"{folder}/rec.jsonl", "--container", name])
        live.equal(done[0], 125, done[2])
        live.check("does not run" in done[2], done[2])
    finally:
        engine.remove(name)


def main():
    if "bpf" not in live.BACKENDS:
        raise engines.Unavailable("the eBPF backend does not work here: `whittle doctor` tells why")
    if not shutil.which("busybox"):
        raise engines.Unavailable("needs busybox")
    folder = engines.enter("whittle-scope-")
    engine = engines.Docker(folder, ["runc"])
    try:
        load_image(engine, folder)
        for test, arguments in ((record_container, [lambda name, identity: name]),
                                (record_container, [lambda name, identity: identity[:10]]),
                                (unknown_container, [])):
            test(engine, folder, *arguments)
            print(f"ok   {test.__name__}", flush=True)
    except engines.EngineError as reason:
        raise engines.Unavailable(f"no container runs here: {reason}") from None
    finally:
        engine.shut_down()


try:
    main()
except engines.Unavailable as why:
    print(why)
    sys.exit(77)
