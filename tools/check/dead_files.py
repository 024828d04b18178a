#!/usr/bin/env python3
"""Files that nobody uses: headers nobody includes, sources no test reaches, scripts, pages and data nobody names."""

import pathlib
import re
import sys

from repository import TEST_SUFFIXES, Finding, Repository, run

READ_WHOLE = "tools/read_whole.txt"
ENTRANCES = {"README.md", "CMakeLists.txt", "Makefile", "CMakePresets.json", "LICENSE", "CONTRIBUTING.md", "ARCHITECTURE.md", "GLOSSARY.md", "DEPENDENCIES.md", "package.json", "package-lock.json", "index.html", ".ci/run"}
FOUND_BY_PATTERN = re.compile(r"(_test\.(py|cc)|\.test\.(ts|tsx|mjs|js)|_fuzz\.cc|_bench\.cc|/run\.sh|\.d\.ts)$")
MODULES = (".ts", ".tsx", ".py", ".mjs", ".js", ".css")
WORD = re.compile(r"[A-Za-z0-9_.-]+")
REASON = "a file that nothing uses is read, searched and kept for nothing"


def is_text(path: str) -> bool:
    return not path.endswith((".png", ".jpg", ".ico", ".woff2", ".gz", ".parquet", ".avro", ".bin", ".lock", "package-lock.json"))


def words_by_file(repository: Repository) -> dict[str, set[str]]:
    """Which words (file names among them) stand in which files."""
    where: dict[str, set[str]] = {}
    for path in filter(is_text, repository.files):
        for word in set(WORD.findall(repository.text(path))):
            where.setdefault(word.rstrip("."), set()).add(path)
    return where


def included(repository: Repository) -> dict[str, set[str]]:
    """Header (as written in an include) -> files that include it."""
    where: dict[str, set[str]] = {}
    for path in repository.sources():
        for target in re.findall(r'^\s*#\s*include\s*"([^"]+)"', repository.text(path), re.MULTILINE):
            where.setdefault(target, set()).add(path)
    return where


def family(path: str) -> str:
    """x.h, x.cc, x_test.cc, x_bench.cc, x_fuzz.cc and x_internal.h are one family."""
    return re.sub(r"(_internal)?(_test|_bench|_fuzz)?\.(cc|h)$", "", path)


def dead_headers(repository: Repository, users: dict[str, set[str]]) -> list[Finding]:
    findings = []
    for path in repository.sources():
        if not path.startswith("src/") or not path.endswith(".h"):
            continue
        outside = [user for user in users.get(path.removeprefix("src/"), ()) if family(user) != family(path) or user.endswith("main.cc")]
        private = path.endswith("_internal.h") and users.get(path.removeprefix("src/"))
        if not outside and not private:
            findings.append(Finding(path, 1, "nobody outside its own source and tests includes it", "use it or delete it with its source and tests", REASON))
    return findings


def reached_by_tests(repository: Repository, users: dict[str, set[str]]) -> set[str]:
    """Files that a test of their own room reaches: through its includes, and from a header on to the sources that implement it.

    These are the source beside the header, and sources of its room that include it and have no header of their own.
    """
    sources = set(repository.sources())
    includes: dict[str, set[str]] = {}
    implementers: dict[str, set[str]] = {}
    for target, paths in users.items():
        for path in paths:
            if not path.startswith(f"src/{target.split('/')[0]}/"):
                continue
            includes.setdefault(path, set()).add(f"src/{target}")
            stem = path.removesuffix(".cc")
            if not {f"{stem}.h", f"{stem}_internal.h"} & sources:
                implementers.setdefault(f"src/{target}", set()).add(path)
    reached: set[str] = set()
    waiting = [path for path in sources if path.endswith("_test.cc")]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += includes.get(path, set()) | implementers.get(path, set())
            waiting.append(re.sub(r"(_internal)?\.h$|_test\.cc$", ".cc", path))
    return reached


def untested_sources(repository: Repository, users: dict[str, set[str]]) -> list[Finding]:
    """Each source is reached by some unit test; verbs and the wiring of the whole are tested as processes."""
    reached = reached_by_tests(repository, users)
    findings = []
    for path in repository.sources():
        is_process = path.startswith("src/app/") or "/verb_" in path or path.endswith(("main.cc", *TEST_SUFFIXES))
        if not path.startswith("src/") or not path.endswith(".cc") or is_process:
            continue
        if path not in reached:
            findings.append(Finding(path, 1, "no test reaches it", f"write {path.removesuffix('.cc')}_test.cc", "what is not tested is not known to work"))
    return findings


def read_whole(repository: Repository) -> tuple[list[str], list[Finding]]:
    """Folders whose every file a program reads, and the lines that name none."""
    folders, findings = [], []
    for number, line in enumerate(repository.lines(READ_WHOLE) if READ_WHOLE in repository.files else [], 1):
        if line.strip() and not line.startswith("#"):
            folder = line.split()[0].rstrip("/") + "/"
            folders.append(folder)
            if not any(path.startswith(folder) for path in repository.files):
                findings.append(Finding(READ_WHOLE, number, f"no file is in {folder}", "remove the line", REASON))
    return folders, findings


def named(path: str, where: dict[str, set[str]]) -> bool:
    name = pathlib.PurePosixPath(path)
    candidates = {name.name, name.stem} if name.suffix in MODULES else {name.name}
    return any(where.get(candidate, set()) - {path} for candidate in candidates)


def dead_others(repository: Repository) -> list[Finding]:
    where = words_by_file(repository)
    folders, findings = read_whole(repository)
    for path in repository.files:
        name = pathlib.PurePosixPath(path).name
        if path.endswith((".cc", ".h")) or path in ENTRANCES or name in ENTRANCES or name.startswith("."):
            continue
        if FOUND_BY_PATTERN.search(path) or any(path.startswith(folder) for folder in folders) or named(path, where):
            continue
        findings.append(Finding(path, 1, "no other file names it", f"use it, link it from a page, delete it, or list its folder in {READ_WHOLE}", REASON))
    return findings


def check(repository: Repository) -> list[Finding]:
    users = included(repository)
    return dead_headers(repository, users) + untested_sources(repository, users) + dead_others(repository)


if __name__ == "__main__":
    sys.exit(run(check))
