#!/usr/bin/env python3
"""Sizes of functions and files."""

import sys

from cpp_functions import functions
from repository import TEST_SUFFIXES, Finding, Repository, run

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = {".cc": 450, ".h": 160, ".py": 450, ".sh": 250, ".ts": 450, ".tsx": 450, ".css": 1500, ".sql": 250, ".mjs": 450}
REASON = "what does not fit on a few screens is not read, and what is not read is not reviewed"


def check_file(repository: Repository, path: str) -> list[Finding]:
    suffix = "." + path.rsplit(".", 1)[-1]
    limit = FILE_LINES_MAX.get(".cc" if path.endswith(TEST_SUFFIXES) else suffix)
    count = len(repository.text(path).splitlines())
    if limit is None or count <= limit:
        return []
    return [Finding(path, limit + 1, f"{count} lines, at most {limit} are allowed", "split it by what changes together", REASON)]


def check_functions(repository: Repository, path: str) -> list[Finding]:
    return [
        Finding(path, function.first_line, f"function {function.name} has {function.lines} lines, at most {FUNCTION_LINES_MAX} are allowed", "name its steps as functions", REASON)
        for function in functions(repository.text(path))
        if function.lines > FUNCTION_LINES_MAX
    ]


def check(repository: Repository) -> list[Finding]:
    findings = []
    for path in repository.files:
        findings += check_file(repository, path)
    for path in repository.sources():
        findings += check_functions(repository, path)
    return findings


if __name__ == "__main__":
    sys.exit(run(check))
