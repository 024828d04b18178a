#!/usr/bin/env python3
"""clang-tidy over product sources (tests, benches and fuzzers are left to the compiler and the sanitizers).

What passed is remembered in the cache by a hash of everything the verdict depends on: the code, our headers it reaches, the checks,
the flags and the tool. So only changed files cost time, also in a fresh clone on the same machine.
"""

import functools
import hashlib
import os
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from repository import TEST_SUFFIXES, Finding, Repository, run

CLANG_TIDY = "clang-tidy-19"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
VERDICT = re.compile(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*)$")


def cache_folder() -> pathlib.Path:
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "feedmill" / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.cache
def flags(root: pathlib.Path) -> list[str]:
    """The build's language and include folders; warnings are the compiler's business."""
    script = "source tools/env.sh && echo $FEEDMILL_DUCKDB_DIR && echo $FEEDMILL_LIGHTGBM_DIR"
    folders = subprocess.run(["bash", "-c", script], cwd=root, check=True, capture_output=True, text=True).stdout.split()
    return ["-std=c++23", "-march=x86-64-v3", "-w", "-DSPDLOG_FMT_EXTERNAL", "-Isrc", *(f"-isystem{folder}/include" for folder in folders)]


@functools.cache
def tool_identity(root: pathlib.Path) -> str:
    version = subprocess.run([CLANG_TIDY, "--version"], check=True, capture_output=True, text=True).stdout
    return version + (root / ".clang-tidy").read_text(encoding="utf-8") + " ".join(flags(root))


def reached(repository: Repository, path: str) -> list[str]:
    """The file and every header of ours that it includes, directly or not."""
    seen, waiting = {path}, [path]
    while waiting:
        for target in INCLUDE.findall(repository.text(waiting.pop())):
            header = f"src/{target}"
            if header not in seen and (repository.root / header).is_file():
                seen.add(header)
                waiting.append(header)
    return sorted(seen)


def meaning(text: str) -> str:
    """The text without what cannot change the verdict: comment lines (but NOLINT), spacing, the order of includes."""
    lines = [line.strip() for line in text.split("\n")]
    code = [line for line in lines if not line.startswith("//") or "NOLINT" in line]
    includes = sorted(line for line in code if line.startswith("#include"))
    rest = " ".join(line for line in code if not line.startswith("#include"))
    return "\n".join([*includes, "".join(rest.split())])


def verdict_key(repository: Repository, path: str) -> str:
    digest = hashlib.sha256(tool_identity(repository.root).encode())
    for reached_path in reached(repository, path):
        digest.update(f"\0{reached_path}\0{meaning(repository.text(reached_path))}".encode())
    return digest.hexdigest()


def examine(repository: Repository, path: str) -> list[Finding]:
    passed = cache_folder() / verdict_key(repository, path)
    if passed.exists():
        return []
    result = subprocess.run([CLANG_TIDY, "--quiet", path, "--", *flags(repository.root)], cwd=repository.root, capture_output=True, text=True)
    findings = []
    for match in filter(None, map(VERDICT.match, result.stdout.split("\n"))):
        where = match.group(1).removeprefix(f"{repository.root}/")
        findings.append(Finding(where, int(match.group(2)), match.group(3), "as it says, or NOLINT(check) with the reason beside it", "each of these checks finds real defects"))
    if result.returncode and not findings:
        findings.append(Finding(path, 1, f"clang-tidy failed: {(result.stderr or result.stdout).strip()[-500:]}", "make it compile", "a file that is not examined is not checked"))
    if not findings:
        passed.touch()
    return findings


def check(repository: Repository) -> list[Finding]:
    paths = [path for path in repository.sources() if path.startswith("src/") and path.endswith(".cc") and not path.endswith(TEST_SUFFIXES)]
    with ThreadPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count() or 2)) as pool:
        found = [finding for findings in pool.map(lambda path: examine(repository, path), paths) for finding in findings]
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    sys.exit(run(check))
