#!/usr/bin/env python3
"""DEPENDENCIES.md names every package that set-up, the console and the interop tests install."""

import json
import re
import sys

from repository import Finding, Repository, run

PAGE = "DEPENDENCIES.md"
REASON = "a dependency without a reason is kept for ever"


def wanted(repository: Repository) -> list[tuple[str, int, str]]:
    """(file, line, package) of everything that is installed by name."""
    packages = []
    for path, column in (("tools/packages.txt", 1), ("tools/downloads.txt", 2)):
        for number, line in enumerate(repository.lines(path) if path in repository.files else [], 1):
            if line.strip() and not line.startswith("#"):
                packages.append((path, number, re.sub(r"(?<=.)[@=].*", "", line.split()[column])))
    if "web/package.json" in repository.files:
        document = json.loads(repository.text("web/package.json"))
        for name in {**document.get("dependencies", {}), **document.get("devDependencies", {})}:
            line = next(number for number, text in enumerate(repository.lines("web/package.json"), 1) if f'"{name}"' in text)
            packages.append(("web/package.json", line, name))
    return packages


def check(repository: Repository) -> list[Finding]:
    page = repository.text(PAGE) if PAGE in repository.files else ""
    findings = []
    for path, line, package in wanted(repository):
        if not re.search(rf"(?<![\w@/-]){re.escape(package)}(?![\w/-])", page):
            findings.append(Finding(path, line, f"'{package}' is not in {PAGE}", f"add it to {PAGE} with version, origin and why, or do without it", REASON))
    return findings


if __name__ == "__main__":
    sys.exit(run(check))
