#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""whittle as git's diff and merge driver for policies, with git itself."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

import live  # noqa: E402

WHITTLE = os.environ["WHITTLE"]
BASE = """whittle: policy
format: 1
name: shop
architectures: [x86_64]
runtimes: []

# what the shop reads
files:
  - /etc/shop.conf r  # settings
  - /srv/www/** r

syscalls:
  - read
  - write
"""


class Repository:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.policy = self.folder / "policy.yaml"
        self.environment = {**os.environ, "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat",
                            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
                            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
        self.git("init", "-q", "-b", "main")
        # the four lines of docs/HOWTO_REVIEW.md
        self.git("config", "diff.whittle.command", f"'{WHITTLE}' diff --git")
        self.git("config", "merge.whittle.name", "policies of whittle")
        self.git("config", "merge.whittle.driver", f"'{WHITTLE}' merge --git %O %A %B %P")
        (self.folder / ".gitattributes").write_text("policy.yaml diff=whittle merge=whittle\n")
        self.commit(BASE, "base")

    def git(self, *arguments, status=0):
        done = subprocess.run(["git", *arguments], cwd=self.folder, env=self.environment, text=True,
                              capture_output=True, check=False, timeout=60)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def commit(self, text, message):
        self.policy.write_text(text)
        self.git("add", ".")
        self.git("commit", "-q", "-m", message)

    def merge(self, ours, theirs, status=0):
        """What becomes of BASE with both changes, and what was said."""
        self.git("checkout", "-q", "-B", "theirs", "main")
        self.commit(theirs, "theirs")
        self.git("checkout", "-q", "-B", "ours", "main")
        self.commit(ours, "ours")
        said = self.git("merge", "-q", "-m", "both", "theirs", status=status)
        text = self.policy.read_text()
        self.git("reset", "-q", "--hard")
        return text, said


def case_diff(repository):
    repository.policy.write_text(BASE.replace("  - write\n", "  - write\n  - bpf\n"))
    said = repository.git("diff")
    assert "diff --whittle a/policy.yaml b/policy.yaml" in said and "critical  bpf" in said, said
    repository.commit(BASE + "# a comment\n", "comment")
    said = repository.git("show", "--ext-diff", "--format=%s")
    assert "Both allow the same." in said, said
    repository.policy.write_text("no policy\n")
    assert "cannot be compared" in repository.git("diff")
    repository.policy.unlink()
    assert "No longer allowed: 4" in repository.git("diff")
    repository.git("checkout", "-q", ".")
    assert "Newly allowed: 4" in repository.git("log", "-p", "--ext-diff", "--reverse", "--", "policy.yaml")


def case_merge_far_apart(repository):
    text, _ = repository.merge(BASE.replace("- read\n", "- mmap  # ours\n  - read\n"),
                               BASE.replace("  - /srv", "  - /etc/ssl/** r  # theirs\n  - /srv"))
    assert text == BASE.replace("- read\n", "- mmap  # ours\n  - read\n").replace(
        "  - /srv", "  - /etc/ssl/** r  # theirs\n  - /srv"), text


def case_merge_same_place(repository):
    """Where git alone finds a conflict: both add a line at the end."""
    text, _ = repository.merge(BASE + "  - bind  # ours\n", BASE + "  - connect  # theirs\n")
    assert text == BASE + "  - bind  # ours\n  - connect  # theirs\n", text
    text, _ = repository.merge(BASE + "  - bind\n", BASE + "  - bind\n  - listen\n")
    assert text == BASE + "  - bind\n  - listen\n", text


def case_merge_removed_and_added(repository):
    """One takes the last line away, the other adds one behind it."""
    text, _ = repository.merge(BASE.replace("  - write\n", ""), BASE + "  - writev\n")
    assert text == BASE.replace("  - write\n", "  - writev\n"), text
    text, _ = repository.merge(BASE + "  - writev\n", BASE.replace("  - write\n", ""))
    assert text == BASE.replace("  - write\n", "  - writev\n"), text


def case_merge_conflict(repository):
    text, said = repository.merge(BASE.replace("/etc/shop.conf r ", "/etc/shop.conf rw "),
                                  BASE.replace("/etc/shop.conf r ", "/etc/shop.conf rk "), status=1)
    assert "ours /etc/shop.conf rw, theirs /etc/shop.conf rk" in said, said
    assert "<<<<<<<" in text and "/etc/shop.conf rw" in text and "/etc/shop.conf rk" in text, text
    _, said = repository.merge(BASE.replace("name: shop", "name: shop1"),
                               BASE.replace("name: shop", "name: shop2"), status=1)
    assert "CONFLICT" in said, said


def case_merge_no_policy(repository):
    text, said = repository.merge(BASE + "  - bind\n", "sycalls: [read]\n" + BASE, status=0)
    assert "merged as text" in said and text.startswith("sycalls") and text.endswith("bind\n"), (text, said)


def main():
    if not shutil.which("git"):
        print("git is not installed")
        sys.exit(77)
    for name, case in list(globals().items()):
        if name.startswith("case_"):
            live.add_case(name[5:], lambda folder, case=case: case(Repository(folder)))
    live.main()


main()
