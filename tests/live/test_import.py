#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle import: bane's file up to a profile that apparmor_parser takes; strace's logs against whittle's own recordings."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import live  # noqa: E402

CORPUS = pathlib.Path(live.SOURCE) / "tests/fuzz/corpus"
WORKLOAD = ["/bin/sh", "-c", "cat /etc/hostname; ls / | wc -l; (exit 3)"]


def run(*command, status=0, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=live.LIMIT, **more)
    live.equal(done.returncode, status, f"{command}: {done.stderr}")
    return done


def facts(path, kind):
    lines = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    return [fact for fact in lines if fact.get("kind") == kind]


@live.case
def bane(folder):
    done = subprocess.run([live.WHITTLE, "import", CORPUS / "import_bane/web.toml", "-o", f"{folder}/p.yaml"],
                          capture_output=True, text=True, check=False)
    if done.returncode == 3:
        raise live.Skip("this whittle was built without TOML")
    live.equal(done.returncode, 0, done.stderr)
    live.check("confine nothing" in done.stderr, done.stderr)
    run(live.WHITTLE, "generate", f"{folder}/p.yaml", "-o", f"{folder}/out")
    profile = pathlib.Path(f"{folder}/out/apparmor.profile").read_text()
    live.check("profile docker-web " in profile and "\n  file," not in profile, profile)
    live.check("/run/web.pid rwlk," in profile and "deny /usr/bin/sh" in profile, profile)
    if shutil.which("apparmor_parser", path="/sbin:/usr/sbin"):
        run("/sbin/apparmor_parser", "-QK", f"{folder}/out/apparmor.profile", stdin=subprocess.DEVNULL)


@live.case
def wrong_input(folder):
    path = pathlib.Path(f"{folder}/x")
    path.write_text("neither\n")
    done = run(live.WHITTLE, "import", path, status=2)
    live.check("does not look like" in done.stderr, done.stderr)
    run(live.WHITTLE, "import", "--from", "nothing", path, status=2)
    run(live.WHITTLE, "import", f"{folder}/none", status=2)


@live.case
def seccomp(folder):
    """There and back: the policy makes a profile that allows the same."""
    for golden in sorted((pathlib.Path(live.SOURCE) / "tests/golden/generate").glob("*/seccomp.json")):
        run(live.WHITTLE, "import", golden, "-o", f"{folder}/p.yaml")
        run(live.WHITTLE, "generate", f"{folder}/p.yaml", "-o", f"{folder}/out", "--format", "policy,seccomp")
        run(live.WHITTLE, "diff", "--exit-code", golden, f"{folder}/out/seccomp.json")


NOTED = ("dbus", "unix", "signal", "ptrace", "change_profile")


def compare(old, fresh):
    """What FRESH allows and OLD does not, rule by rule: the tool's judge is apparmor_parser (test_apparmor_compare.py)."""
    tool = os.path.join(os.environ["WHITTLE_PROGRAMS"], "../unit/apparmor_tool")
    done = run(tool, "compare", old, fresh, "/etc/apparmor.d")
    return [line.split("\t")[0].split(": ", 1)[1] for line in done.stdout.splitlines() if line.count("\t") == 3]


def there_and_back(folder, profile):
    """Import and generate PROFILE: what differs is told, or what every container needs."""
    done = run(live.WHITTLE, "import", profile, "-o", f"{folder}/p.yaml")
    run(live.WHITTLE, "generate", f"{folder}/p.yaml", "-o", f"{folder}/out", "--format", "policy,apparmor")
    made = f"{folder}/out/apparmor.profile"
    run("/sbin/apparmor_parser", "-QK", made, stdin=subprocess.DEVNULL)
    baseline = (pathlib.Path(live.SOURCE) / "profiles/baselines/apparmor.csv").read_text()
    for rule in compare(profile, made):
        live.check(rule.startswith(NOTED) or rule.rstrip(",") in baseline or " becomes " in done.stderr,
                   f"{profile}: {rule} is more than it had")
    for rule in compare(made, profile):
        live.check(rule[:150] in done.stderr or rule.startswith(("unix (", "signal peer=@{profile_name}")), f"{profile}: {rule} was lost without a word")
    return done.stderr


@live.case
def apparmor(folder):
    if not shutil.which("apparmor_parser", path="/sbin:/usr/sbin"):
        raise live.Skip("apparmor_parser is missing")
    profile = pathlib.Path(f"{folder}/web")
    profile.write_text('''include <tunables/global>
@{SITE} = /srv/web /opt/{a,b}/web
profile web /usr/sbin/web {
  include <abstractions/base>
  include <abstractions/nameservice>
  capability net_bind_service,
  network inet stream,
  deny network raw,
  @{SITE}/** r,
  owner @{PROC}/@{pid}/stat r,
  /{,var/}run/web.pid rwk,
  deny /srv/web/.ht* r,
  /usr/sbin/web mrix,
  /usr/bin/other px,
  link /srv/web/a -> /srv/web/b*,
  mount fstype=tmpfs options=(rw,nosuid) tmpfs -> /mnt/,
  umount /mnt/,
  dbus send,
}
''')
    notes = there_and_back(folder, str(profile))
    live.check("dbus send, is left out" in notes, notes)
    policy = pathlib.Path(f"{folder}/p.yaml").read_text()
    live.check('"apparmor: <abstractions/base>, line' in policy and '"apparmor: line 8"' in policy, policy)


@live.case
def apparmor_debian(folder):
    """Profiles of Debian's packages."""
    if not shutil.which("apparmor_parser", path="/sbin:/usr/sbin"):
        raise live.Skip("apparmor_parser is missing")
    done = 0
    for name in ("lsb_release", "nvidia_modprobe", "usr.sbin.cupsd"):
        path = f"/etc/apparmor.d/{name}"
        text = pathlib.Path(path).read_text() if os.path.exists(path) else ""
        # A child's rules are lost with it, which the notes say as one.
        if text and not any(line.lstrip().startswith(("profile ", "^")) and line.startswith(" ") for line in text.splitlines()):
            there_and_back(folder, path)
            done += 1
    live.check(done > 0 or not os.path.exists("/etc/apparmor.d/lsb_release"), "nothing was compared")


def strace(folder, *options):
    if not shutil.which("strace"):
        raise live.Skip("strace is missing")
    run("strace", *options, "-o", f"{folder}/log", *WORKLOAD, status=3)


def recorded(folder):
    backend = [b for b in live.BACKENDS if b != "ptrace"][0]
    run(live.WHITTLE, "record", "--backend", backend, "-o", f"{folder}/own", "--", *WORKLOAD, status=3)
    return f"{folder}/own"


@live.case
def strace_calls(folder):
    strace(folder, "-f", "-y", "-tt")
    run(live.WHITTLE, "import", f"{folder}/log", "-o", f"{folder}/imported")
    own = recorded(folder)
    names = [sorted({fact["name"] for fact in facts(path, "syscall")}) for path in (own, f"{folder}/imported")]
    # Which of these come is a matter of timing.
    chance = {"restart_syscall", "rt_sigreturn"}
    live.equal([n for n in names[1] if n not in chance], [n for n in names[0] if n not in chance], "names of calls")
    read = [{fact["name"] for fact in facts(path, "file") if "read" in fact["access"] and "ok" in fact["results"]}
            for path in (own, f"{folder}/imported")]
    live.check("/etc/hostname" in read[1], read[1])
    # What the kernel opens itself strace does not tell.
    live.check(read[1] <= read[0], f"files only in strace's: {read[1] - read[0]}")
    run(live.WHITTLE, "generate", f"{folder}/imported", "-o", f"{folder}/out")


@live.case
def strace_forms(folder):
    """A file a process, without numbers; merging makes one of them."""
    strace(folder, "-ff", "-yy", "-ttt", "-T")
    logs = sorted(pathlib.Path(folder).glob("log.*"))
    live.check(len(logs) > 2, logs)
    for log in logs:
        run(live.WHITTLE, "import", log, "-o", f"{log}.jsonl")
    run(live.WHITTLE, "merge", *[f"{log}.jsonl" for log in logs], "-o", f"{folder}/all")
    names = {fact["name"] for fact in facts(f"{folder}/all", "syscall")}
    live.check({"execve", "openat", "getdents64", "exit_group"} <= names, names)
    live.equal({run["backend"] for run in json.loads(pathlib.Path(f"{folder}/all").read_text().splitlines()[0])["runs"]},
               {"strace"}, "the origin")


live.main()
