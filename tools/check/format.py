#!/usr/bin/env python3
"""clang-format over our C++ files; --fix rewrites them (arguments after it: only these files)."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from repository import Finding, Repository, default_root, run

CLANG_FORMAT = "clang-format-19"


def first_difference(repository: Repository, path: str) -> Finding | None:
    ours = repository.text(path)
    formatted = subprocess.run([CLANG_FORMAT, path], cwd=repository.root, check=True, capture_output=True, text=True).stdout
    if ours == formatted:
        return None
    pairs = zip(ours.split("\n"), formatted.split("\n"), strict=False)
    line = next((number for number, (old, new) in enumerate(pairs, 1) if old != new), 1)
    return Finding(path, line, "not formatted", "make format", "one format, no talk about it")


def check(repository: Repository) -> list[Finding]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [finding for finding in pool.map(lambda path: first_difference(repository, path), repository.sources()) if finding]


def fix(paths: list[str]) -> int:
    repository = Repository(default_root())
    sources = repository.sources()
    others = set(paths) - set(sources)
    if others:
        sys.exit(f"format: not C++ files of this repository: {', '.join(sorted(others))}")
    return subprocess.run([CLANG_FORMAT, "-i", *(paths or sources)], cwd=repository.root).returncode


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fix"]:
        sys.exit(fix(sys.argv[2:]))
    sys.exit(run(check))
