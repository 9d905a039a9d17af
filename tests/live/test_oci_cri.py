#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""whittle-oci where a kubelet would ask for it: a containerd of the test's own gets the handler "whittle" of
docs/integrations/containerd-config.toml, and is told by the kubelet's protocol (CRI) to run a pod with that handler. What
is recorded then confines a pod of the handler runc, as localhostProfile would. Needs root, eBPF,
busybox, and Debian's grpcio, which only the system's Python has.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

import live  # noqa: E402
from live import check, equal  # noqa: E402
import oci_site as site  # noqa: E402
from oci_site import engines  # noqa: E402

try:
    import grpc
except ImportError:
    grpc = None

IMAGE, PAUSE = "localhost/tested:latest", "localhost/pause:latest"
NODE, RUNNING, EXITED, LOCALHOST = 2, 1, 2, 2  # of NamespaceMode, ContainerState (twice) and ProfileType
SCRIPT = f"cat /etc/hello; {site.WAIT}; env >/tmp/env; chown 7 /tmp/env; exit 6"


# ---- protocol buffers, as far as needed: fields are (number, text or message or number) ----------------

def varint(number):
    result = b""
    while number > 0x7F:
        result += bytes([number & 0x7F | 0x80])
        number >>= 7
    return result + bytes([number])


def message(*fields):
    result = b""
    for number, value in fields:
        if isinstance(value, int):
            result += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            result += varint(number << 3 | 2) + varint(len(data)) + data
    return result


def parse(data):
    """The last value of each field."""
    def number():
        nonlocal data
        value, shift = 0, 0
        while True:
            byte, data = data[0], data[1:]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
    fields = {}
    while data:
        key = number()
        if key & 7 == 0:
            fields[key >> 3] = number()
        else:
            equal(key & 7, 2, "kind of a field")
            length = number()
            fields[key >> 3], data = data[:length], data[length:]
    return fields


# ---- an image and the daemon -----------------------------------------------------------------------

def image_archive(folder, rootfs):
    """An OCI layout with one layer under both names; gives the tar."""
    layout = os.path.join(folder, "layout")
    blobs = os.path.join(layout, "blobs", "sha256")
    os.makedirs(blobs)

    def add(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(blobs, digest), "wb") as file:
            file.write(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    layer = add(subprocess.run(["tar", "-C", rootfs, "-c", "."], capture_output=True, check=True).stdout, "layer.v1.tar")
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
              "config": {"Cmd": ["/bin/sleep", "100000"], "Env": ["PATH=/bin"]}}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": add(json.dumps(config).encode(), "config.v1+json"), "layers": [layer]}
    manifest = add(json.dumps(manifest).encode(), "manifest.v1+json")
    index = {"schemaVersion": 2, "manifests": [{**manifest, "annotations": {"io.containerd.image.name": name}}
                                               for name in (IMAGE, PAUSE)]}
    site.write(f"{layout}/index.json", json.dumps(index))
    site.write(f"{layout}/oci-layout", '{"imageLayoutVersion": "1.0.0"}')
    subprocess.run(["tar", "-C", layout, "-cf", f"{folder}/image.tar", "."], check=True)
    return f"{folder}/image.tar"


class Containerd:
    """With CRI. FOLDER: of all its state."""

    def __init__(self, folder):
        live.need("containerd", "ctr", "containerd-shim-runc-v2")
        self.folder, self.output = folder, os.path.join(folder, "recordings")
        self.group = "/" + os.path.basename(folder)
        os.mkdir(self.output)
        runtime = f"{folder}/whittle-oci"
        site.write(f"{folder}/oci.yaml", f"runtime: {site.real('runc')}\noutput: {self.output}\non-failure: refuse\n")
        site.write(runtime, f'#!/bin/sh\nWHITTLE_OCI_CONFIG={folder}/oci.yaml exec {site.WHITTLE_OCI} "$@"\n')
        os.chmod(runtime, 0o755)
        site.write(f"{folder}/config.toml", self._configuration(runtime))
        self.log = f"{folder}/log"
        with open(self.log, "wb") as log:
            self.daemon = subprocess.Popen(["containerd", "--config", f"{folder}/config.toml"], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log)
        self.channel = grpc.insecure_channel(f"unix://{folder}/socket")
        live.wait_until(self._is_there, site.PATIENCE, "containerd")
        self._load_image()

    def _configuration(self, runtime):
        """That of docs/integrations, with what this machine and the test need."""
        text = site.read(os.path.join(live.SOURCE, "docs/integrations/containerd-config.toml"))
        check('BinaryName = "/usr/local/bin/whittle-oci"' in text, "containerd-config.toml names no whittle-oci")
        text = text.replace("/usr/local/bin/whittle-oci", runtime).replace("SystemdCgroup = true", "SystemdCgroup = false")
        base = self.folder
        own = (f'version = 2\nroot = "{base}/root"\nstate = "{base}/state"\n[grpc]\naddress = "{base}/socket"\n'
               f'[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "{PAUSE}"\nrestrict_oom_score_adj = true\n'
               f'[plugins."io.containerd.grpc.v1.cri".cni]\nbin_dir = "{base}"\nconf_dir = "{base}/cni"\n'
               '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\n')
        return own + text.replace("version = 2\n", "")

    def _is_there(self):
        if self.daemon.poll() is not None:
            raise engines.Unavailable(f"containerd does not run here: {site.read(self.log)[-300:]}")
        try:
            return self.call("Version")
        except AssertionError:
            return False

    def _load_image(self):
        bundle = site.Oci.__new__(site.Oci)
        bundle.folder = self.folder
        bundle.bundle("image", "")  # for its root file system
        archive = image_archive(self.folder, bundle.rootfs("image"))
        done = live.native(["ctr", "--address", f"{self.folder}/socket", "--namespace", "k8s.io", "images", "import", archive])
        equal(done[0], 0, f"status of ctr images import: {done[1]}{done[2]}")

    def call(self, method, *fields):
        """What the RuntimeService answers."""
        ask = self.channel.unary_unary(f"/runtime.v1.RuntimeService/{method}", lambda data: data, parse)
        try:
            return ask(message(*fields), timeout=site.PATIENCE)
        except grpc.RpcError as reason:
            raise AssertionError(f"{method}: {reason.details()}") from None

    def shut_down(self):
        self.channel.close()
        self.daemon.terminate()
        self.daemon.wait()


class Pod:
    """With one container, in the node's network."""

    def __init__(self, daemon, name, handler, security=()):
        self.daemon = daemon
        namespaces = (1, message((1, NODE)))
        sandbox = message((1, message((1, name), (2, f"uid-{name}"), (3, "default"))),
                          (7, message((1, "org.whittle.label"), (2, "a-pod"))),
                          (8, message((1, daemon.group), (2, message(namespaces)))))
        self.sandbox = daemon.call("RunPodSandbox", (1, sandbox), (2, handler))[1].decode()
        container = message((1, message((1, "api"))), (2, message((1, IMAGE))), (3, "/bin/sh"), (4, "-c"), (4, SCRIPT),
                            (6, message((1, "WHITTLE_OUT"), (2, f"{name}.jsonl"))),
                            (15, message((2, message((3, message((1, NODE))), *security)))))
        self.id = daemon.call("CreateContainer", (1, self.sandbox), (2, container), (3, sandbox))[1].decode()
        daemon.call("StartContainer", (1, self.id))

    def status(self):
        status = parse(self.daemon.call("ContainerStatus", (1, self.id))[1])
        return status.get(3, 0), status.get(7, 0)

    def exec(self, *command):
        answer = self.daemon.call("ExecSync", (1, self.id), *((2, word) for word in command), (3, site.PATIENCE))
        return answer.get(3, 0), answer.get(1, b"").decode()

    def remove(self):
        self.daemon.call("StopPodSandbox", (1, self.sandbox))
        self.daemon.call("RemovePodSandbox", (1, self.sandbox))


def lives(pod):
    """It serves, is entered, and ends by itself."""
    equal(pod.status()[0], RUNNING, "state")
    equal(pod.exec("/bin/cat", "/etc/added"), (0, "added:x:0:0:::\n"), "exec")
    equal(pod.exec("/bin/touch", "/tmp/go")[0], 0, "status of touch")
    live.wait_until(lambda: pod.status()[0] == EXITED, site.PATIENCE, "the container's end")
    equal(pod.status()[1], 6, "status")


def learnt_and_confined(daemon):
    pod = Pod(daemon, "learnt", "whittle")
    try:
        lives(pod)
    finally:
        pod.remove()
    result = site.finished(os.path.join(daemon.output, "learnt.jsonl"))
    result.complete()
    result.one("file", name="/etc/hello", access=["read"], phase="run")
    result.one("file", name="/etc/added", access=["read"], phase="exec")
    [run] = result.document["runs"]
    equal((run["runtime"], run["label"], run["container"]), ("runc", "a-pod", "default/learnt/api"), f"the header {run}")
    # the pod's sandbox, under its own name
    others = [name for name in os.listdir(daemon.output) if name != "learnt.jsonl"]
    equal(len(others), 1, f"recordings of the sandbox: {others}")

    generated = os.path.join(daemon.folder, "generated")
    done = live.native([live.WHITTLE, "generate", "--quiet", "-o", generated, result.recording])
    equal(done[0], 0, f"status of whittle generate: {done[2]}")
    kept = json.loads(site.read(f"{generated}/capabilities.json"))["add"]
    capabilities = message(*((1, name.removeprefix("CAP_")) for name in kept), (2, "ALL"))
    profile = message((1, LOCALHOST), (2, f"{generated}/seccomp.json"))
    pod = Pod(daemon, "confined", "runc", [(1, capabilities), (15, profile)])
    try:
        lines = pod.exec("/bin/cat", "/proc/self/status")[1].splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        equal((status["Seccomp"], bin(int(status["CapBnd"], 16)).count("1")), ("2", len(kept)), "what is in force")
        lives(pod)
    finally:
        pod.remove()


def main():
    try:
        site.need()
        if not grpc:
            raise live.Skip("needs Python's grpc (package python3-grpcio)")
        daemon = Containerd(engines.enter("whittle-cri-"))
    except (engines.Unavailable, live.Skip) as reason:
        print(reason)
        sys.exit(77)

    live.add_case("learnt_and_confined", lambda _folder: learnt_and_confined(daemon))
    try:
        live.main()
    finally:
        daemon.shut_down()


if __name__ == "__main__":
    main()
