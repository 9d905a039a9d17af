# SPDX-License-Identifier: Apache-2.0
"""The test suites of OCI runtimes, and of the OCI, as their sources have them: how to get, build and run them.

Sources come from the distribution (apt-get source), with whose packages they are built. A suite has files of tests;
outcome() runs one of them against a runtime and gives its results.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import time

LIB = os.path.dirname(os.path.realpath(__file__))
# The OCI's own suite is taken from where it is newest.
NEWEST = "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main\n"
LIMIT = 240  # seconds for one file of tests; the longest take 20
FREEZER = "/sys/fs/cgroup/freezer/frozen"


def _run(command, cwd=None, env=None):
    done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        sys.exit(f"oci-suites: {' '.join(command)}: status {done.returncode}\n{done.stdout}")


# ---- sources -------------------------------------------------------------------------------------------------------

def _with_sources(text):
    """A list of package repositories as /etc/apt has it, of their sources instead."""
    text = re.sub(r"(?m)^deb(?=[ \t])", "deb-src", text)
    return re.sub(r"(?m)^Types:.*$", "Types: deb-src", text)


def apt(folder):
    """The environment in which apt-get knows of sources; the machine's own lists stay as they are."""
    parts, lists = os.path.join(folder, "apt"), os.path.join(folder, "apt-lists")
    for new in (parts, os.path.join(lists, "partial")):
        os.makedirs(new, exist_ok=True)
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*")]:
        if path.endswith((".list", ".sources")) and os.path.exists(path):
            with open(path, encoding="utf-8") as old, open(os.path.join(parts, os.path.basename(path)), "w", encoding="utf-8") as new:
                new.write(_with_sources(old.read()))
    with open(os.path.join(parts, "whittle-newest.list"), "w", encoding="utf-8") as file:
        file.write(NEWEST)
    configuration = os.path.join(folder, "apt.conf")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f'Dir::Etc::sourceparts "{parts}";\nDir::Etc::sourcelist "/dev/null";\n'
                   f'Dir::State::lists "{lists}";\nAPT::Sandbox::User "root";\n')
    env = dict(os.environ, APT_CONFIG=configuration)
    # Repositories of others need not have sources.
    subprocess.run(["apt-get", "update"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    return env


def _installed(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "=${source:Version}", package], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def fetch(package, folder, env):
    """The folder with the package's sources, of the version that is installed if it is, else of the newest, with the
    distribution's changes where these are to be had."""
    folder = os.path.join(folder, package)
    if not os.path.isdir(folder):
        download = folder + ".download"
        os.makedirs(download, exist_ok=True)
        subprocess.run(["apt-get", "source", "--download-only", package + _installed(package)], cwd=download, env=env,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
        described, plain = glob.glob(download + "/*.dsc"), glob.glob(download + "/*.orig.tar.?z")
        if described and plain and glob.glob(download + "/*.debian.tar.*"):
            _run(["dpkg-source", "--no-check", "-x", described[0], folder], cwd=download)
        elif plain:
            os.mkdir(folder)
            _run(["tar", "-C", folder, "--strip-components=1", "-xf", plain[0]])
        else:
            sys.exit(f"oci-suites: cannot get the sources of {package}")
    return folder


def _go(folder, sources, output, *options):
    """Builds a Go program against the distribution's packages; SOURCES maps import paths to folders."""
    path = os.path.join(folder, "go")
    for name, target in sources.items():
        link = os.path.join(path, "src", name)
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if not os.path.islink(link):
            os.symlink(target, link)
    package = next(iter(sources))
    env = dict(os.environ, GOPATH=f"{path}:/usr/share/gocode", GO111MODULE="off", GOFLAGS="", GOCACHE=os.path.join(folder, "go-cache"))
    _run(["go", "build", *options, "-o", os.path.join(path, "src", package, output), "./" + os.path.dirname(output)],
         cwd=os.path.join(path, "src", package), env=env)


# ---- suites --------------------------------------------------------------------------------------------------------

def results(text):
    """What a run printed in the Test Anything Protocol: sorted (verdict, name), without what differs in every run."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*(not ok|ok)\b(?: \d+)?(?: -)? ?(.*)", line)
        if match:
            verdict, name = match.groups()
            skipped = re.search(r"# ?(skip|todo)", name, re.IGNORECASE)
            found.append(("skip" if skipped else verdict, re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", name).strip()))
    return tuple(sorted(found))


class Suite:
    """One suite in a FOLDER of its sources, with tests for RUNTIMES."""
    name = package = ""
    runtimes = ()

    def __init__(self, folder, work):
        self.folder, self.work = folder, work

    def build(self):
        """Whatever has to be compiled or made."""

    def files(self):
        """The names of the files of tests."""

    def command(self, name):
        """What runs one of them, in self.folder."""

    def environment(self, runtime, scratch):
        """The variables that say which runtime is to be tested."""

    def outcome(self, name, runtime, scratch):
        """The results of one file, and all that it printed."""
        env = {**os.environ, "TMPDIR": scratch, "TERM": "xterm", **self.environment(runtime, scratch)}
        env.pop("WHITTLE_ENGINE_FOLDER")
        # A terminal, which some tests want.
        process = subprocess.Popen(["script", "-qec", self.command(name), "/dev/null"], cwd=self.folder, env=env, text=True,
                                   errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            text, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            text = process.communicate()[0] + "\nnot ok - ended in time\n"
        _thaw()
        return results(text), text


def _thaw():
    """A test of crun's freezes a container by a control group of its own, and cannot remove that."""
    if os.path.isdir(FREEZER):
        with open(FREEZER + "/freezer.state", "w", encoding="utf-8") as file:
            file.write("THAWED")
        for _ in range(100):
            try:
                os.rmdir(FREEZER)
                return
            except OSError:
                time.sleep(0.1)


class Crun(Suite):
    """tests/*.py of crun, which take its own options."""
    name, package, runtimes = "crun", "crun", ("crun",)

    def build(self):
        with open(self.folder + "/config.h", "w", encoding="utf-8") as file:
            file.write("#define HAVE_SECCOMP 1\n#define HAVE_ERROR_H 1\n")
        _run(["gcc", "-O1", "-I.", "-static", "tests/init.c", "-o", "tests/init", "-lseccomp"], cwd=self.folder)

    def files(self):
        return sorted(os.path.basename(path) for path in glob.glob(self.folder + "/tests/test_*.py"))

    def command(self, name):
        return f"python3 tests/{name}"

    def environment(self, runtime, scratch):
        return {"OCI_RUNTIME": runtime, "INIT": self.folder + "/tests/init"}


class Runc(Suite):
    """tests/integration/*.bats of runc."""
    name, package, runtimes = "runc", "runc", ("runc",)

    def build(self):
        for helper in ("recvtty", "sd-helper", "seccompagent"):
            _go(self.work, {"github.com/opencontainers/runc": self.folder}, f"contrib/cmd/{helper}/{helper}", "-tags", "seccomp")
        images = [os.path.join(self.work, name + ".tar") for name in ("busybox", "debian")]
        if not os.path.exists(images[0]):
            _busybox(os.path.join(self.work, "busybox"), images[0])
        if not os.path.exists(images[1]):
            _run(["mmdebstrap", "--quiet", "--variant=essential", "bookworm", images[1]])
        with open(self.folder + "/tests/integration/get-images.sh", "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\necho BUSYBOX_IMAGE={images[0]}\necho DEBIAN_IMAGE={images[1]}\n")

    def files(self):
        return sorted(os.path.basename(path) for path in glob.glob(self.folder + "/tests/integration/*.bats"))

    def command(self, name):
        return f"bats -t tests/integration/{name}"

    def environment(self, runtime, scratch):
        return {"RUNC": runtime}


def _busybox(root, image):
    for folder in ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr/bin", "var", "lib"):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    shutil.copy2(shutil.which("busybox"), root + "/bin/busybox")
    for link in subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
        if link != "busybox" and not os.path.exists(f"{root}/bin/{link}"):
            os.link(f"{root}/bin/busybox", f"{root}/bin/{link}")
    for name, text in (("passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"),
                       ("group", "root:x:0:\nnogroup:x:65534:\n")):
        with open(f"{root}/etc/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    _run(["tar", "-C", root, "-cf", image, "."])


class RuntimeTools(Suite):
    """validation/ of the OCI runtime-tools: what the specification says that every runtime must do."""
    name, package, runtimes = "runtime-tools", "golang-github-opencontainers-runtime-tools", ("runc", "crun")

    def build(self):
        sources = {"github.com/opencontainers/runtime-tools": self.folder, "github.com/mndrix/tap-go": os.path.join(LIB, "tap")}
        _go(self.work, sources, "cmd/runtimetest/runtimetest", "-tags", "netgo osusergo", "-ldflags", "-extldflags -static")
        shutil.copy2(self.folder + "/cmd/runtimetest/runtimetest", self.folder)
        for name in self.files():
            _go(self.work, sources, f"validation/{name}/{name}.t")

    def files(self):
        return sorted(name for name in os.listdir(self.folder + "/validation")
                      if name != "util" and glob.glob(f"{self.folder}/validation/{name}/*.go"))

    def command(self, name):
        return f"validation/{name}/{name}.t"

    def environment(self, runtime, scratch):
        return {"RUNTIME": runtime}


SUITES = (RuntimeTools, Crun, Runc)
