# SPDX-License-Identifier: Apache-2.0
"""Records workloads and compares the policies that come of it. Whether a policy covers a recording is decided
here, by regular expressions made of its patterns, and not by whittle."""
import collections
import os
import re
import shutil
import subprocess

from workloads import MORE, WORKLOADS

ALL = {**WORKLOADS, **MORE}
SITE = os.environ.get("WHITTLE_STABILITY_SITE", "/srv/whittle-stability")
LIMIT = 180


def available(name):
    return all(shutil.which(program) for program in ALL[name][0])


def record(whittle, name, folder, number, backend=None):
    """The path of the recording, which is made unless it is there."""
    path = os.path.join(folder, f"{name}-{number:02}.jsonl")
    if os.path.exists(path):
        return path
    site = os.path.join(SITE, name)
    shutil.rmtree(site, ignore_errors=True)
    os.makedirs(site)
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": site}
    command = [whittle, "record", "-o", path, *(["--backend", backend] if backend else []), "--",
               "/bin/sh", "-euc", ALL[name][1]]
    try:
        subprocess.run(command, cwd=site, env=environment, check=True, timeout=LIMIT, text=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except subprocess.CalledProcessError:
        if os.path.exists(path):
            os.rename(path, path + ".failed")
        raise
    finally:
        shutil.rmtree(site, ignore_errors=True)
    return path


def generate(whittle, recordings, out, level):
    subprocess.run([whittle, "generate", "-q", *recordings, "-o", out, "--format", "policy",
                    *(["--generalize", level] if level else [])],
                   check=True, timeout=LIMIT, text=True, capture_output=True)
    with open(os.path.join(out, "policy.yaml"), encoding="utf-8") as file:
        return file.read()


# ---- what a policy covers ----------------------------------------------------------------------------


def rules_of(text):
    """[(section, rule)] of a policy that whittle wrote; rules that deny are left out."""
    found = []
    section = None
    for line in text.splitlines():
        if match := re.match(r"([a-z-]+):", line):
            section = match.group(1)
        elif match := re.match(r"  - (?:\{rule: )?(.*)", line):
            rule = match.group(1)
            if line.startswith("  - {"):
                quoted = re.match(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^']|'')*)'|([^,]*(?:,[^ ][^,]*)*)", rule)
                attributes = rule[quoted.end():]
                rule = next(g for g in quoted.groups() if g is not None)
                if re.search(r"\bdeny: ", attributes.split("reason:")[0]):
                    continue
            found.append((section, rule.strip("'\"")))
    return found


def regex_of(pattern):
    out = ""
    at = 0
    depth = 0
    while at < len(pattern):
        rest = pattern[at:]
        if match := re.match(r"\\x([0-9a-f]{2})", rest):
            out += re.escape(chr(int(match.group(1), 16)))
        elif match := re.match(r"\\(.)", rest):
            out += re.escape(match.group(1))
        elif match := re.match(r"@\{(pid|tid)\}", rest):
            out += "[1-9][0-9]*"
        elif match := re.match(r"\*\*", rest):
            out += ".*"
        elif match := re.match(r"\*", rest):
            out += "[^/]*"
        elif match := re.match(r"\?", rest):
            out += "[^/]"
        elif match := re.match(r"\[[^]]*\]", rest):
            out += match.group(0)
        elif match := re.match(r"\{", rest):
            out += "(?:"
            depth += 1
        elif match := re.match(r"\}", rest):
            out += ")"
            depth -= 1
        elif depth and (match := re.match(",", rest)):
            out += "|"
        else:
            match = re.match(".", rest, re.DOTALL)
            out += re.escape(match.group(0))
        at += match.end()
    return re.compile(out, re.DOTALL)


def literal_of(pattern):
    text = re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m.group(1), 16)), pattern)
    return re.sub(r"\\(.)", r"\1", text.replace("@{pid}", "7").replace("@{tid}", "7").replace("[0-9]*", "7"))


FILE_RULE = re.compile(r"(owner )?(\S+) ([a-z]+)( -> .*)?")


def file_rules(text):
    return [FILE_RULE.fullmatch(rule).groups() for section, rule in rules_of(text) if section == "files"]


def outside(policy, held_out):
    """The rules of the policy HELD_OUT (made with `exact`) that POLICY does not grant."""
    granted = set(rules_of(policy))
    files = [(bool(owner), regex_of(pattern), set(access)) for owner, pattern, access, _ in file_rules(policy)]
    missing = []
    for section, rule in rules_of(held_out):
        if (section, rule) in granted or section in ("tmpfs", "volumes", "architectures", "runtimes"):
            continue
        if section == "syscalls" and (section, rule.split(" ")[0]) in granted:
            continue
        if section == "files":
            owner, pattern, access, _ = FILE_RULE.fullmatch(rule).groups()
            have = set()
            for only_owner, regex, letters in files:
                if (owner or not only_owner) and regex.fullmatch(literal_of(pattern)):
                    have |= letters | ({"a"} if "w" in letters else set())
            if set(access) <= have:
                continue
        missing.append(f"{section}: {rule}")
    return missing


class Verdict:
    def __init__(self, name):
        self.name = name
        self.recordings = 0
        self.policies = 0
        self.held_out = 0
        self.beyond = 0
        self.outside = collections.Counter()
        self.unlike = collections.Counter()

    @property
    def stable(self):
        return self.policies == 1 and not self.outside

    def markdown(self):
        what = "; ".join(f"`{rule}` ({n}×)" for rule, n in self.outside.most_common(4))
        return (f"| {self.name} | {self.recordings} | {self.policies} | {self.held_out} | "
                f"{f'{self.beyond} of {self.held_out}: {what}' if what else 'nothing'} |")

    def text(self):
        lines = [f"{self.name}: {self.policies} policies of {self.recordings} recordings; "
                 f"{self.beyond} of {self.held_out} held-out runs go beyond the policy of three"]
        lines += [f"    unlike ({n} of {self.recordings}): {rule}" for rule, n in self.unlike.most_common(12)]
        lines += [f"    outside ({n}): {rule}" for rule, n in self.outside.most_common(12)]
        return "\n".join(lines)


def judge(whittle, name, recordings, held_out, level, folder):
    verdict = Verdict(name)
    verdict.recordings = len(recordings)
    out = os.path.join(folder, "policy")
    texts = collections.Counter(generate(whittle, [path], out, level) for path in recordings)
    verdict.policies = len(texts)
    seen = collections.Counter(line for text, n in texts.items() for line in set(text.splitlines()) for _ in range(n))
    verdict.unlike = collections.Counter({line: n for line, n in seen.items() if n < len(recordings)})
    learnt = generate(whittle, recordings[:3], out, level)
    for path in recordings[3:3 + held_out]:
        verdict.held_out += 1
        missing = outside(learnt, generate(whittle, [path], out, "exact" if level else None))
        verdict.beyond += bool(missing)
        verdict.outside.update(missing)
    shutil.rmtree(out)
    return verdict
