#!/usr/bin/env python3
"""Links between the repository's pages lead to files that exist."""

import posixpath
import re
import sys

from repository import Finding, Repository, run

LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def check(repository: Repository) -> list[Finding]:
    findings = []
    present = set(repository.files) | {posixpath.dirname(path) for path in repository.files}
    present |= {posixpath.dirname(folder) for folder in present}
    for path in (path for path in repository.files if path.endswith(".md")):
        text = FENCE.sub(lambda block: re.sub(r"[^\n]", " ", block.group(0)), repository.text(path))
        for match in LINK.finditer(text):
            target = match.group(1)
            if re.match(r"[a-z]+:", target):
                continue
            full = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if full not in present:
                line = text.count("\n", 0, match.start()) + 1
                findings.append(Finding(path, line, f"the link '{target}' leads nowhere", "correct or remove it", "a map that is wrong is worse than none"))
    return findings


if __name__ == "__main__":
    sys.exit(run(check))
