#!/usr/bin/env python3
"""File names: words that say nothing are refused, C++ files are lower_case words."""

import pathlib
import re
import sys

from repository import Finding, Repository, run

EMPTY_WORDS = {"util", "utils", "utility", "utilities", "helper", "helpers", "common", "manager", "managers", "misc"}
LOWER_CASE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*\.(cc|h)")
CODE_SUFFIXES = {".cc", ".h", ".py", ".sh", ".ts", ".tsx", ".sql", ".mjs", ".js"}


def words(name: str) -> list[str]:
    """The words of a_b, a-b and aB."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]


def check(repository: Repository) -> list[Finding]:
    findings = []
    for path in repository.files:
        name = pathlib.PurePosixPath(path)
        empty = EMPTY_WORDS.intersection(words(name.name.split(".")[0])) if name.suffix in CODE_SUFFIXES else set()
        for word in sorted(empty):
            findings.append(Finding(path, 1, f"'{word}' in a file name", "name the thing inside", "a file that may hold anything will"))
        if name.suffix in (".cc", ".h") and not LOWER_CASE.fullmatch(name.name):
            findings.append(Finding(path, 1, f"'{name.name}' is not lower_case words", "name it like a_b.cc", "one spelling needs no thought"))
    return findings


if __name__ == "__main__":
    sys.exit(run(check))
