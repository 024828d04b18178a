#!/usr/bin/env python3
"""clang-tidy over product sources (tests, benches and fuzzers are left to the compiler and the sanitizers).

Most of the time of one run goes into the language's own headers, so the sources of a room are examined several at a time: as one
unit that includes them, if no name of theirs is taken twice. What passed is remembered in the cache by a hash of everything the verdict depends on: the code, our headers it reaches, the checks,
the flags and the tool. So only changed files cost time, also in a fresh clone on the same machine.
"""

import functools
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from cpp_functions import blank, functions
from repository import TEST_SUFFIXES, Finding, Repository, run

CLANG_TIDY = "clang-tidy-19"
UNIT_FILES_MAX = 8
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
VERDICT = re.compile(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*)$")


def cache_folder() -> pathlib.Path:
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "feedmill" / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.cache
def flags(root: pathlib.Path) -> list[str]:
    """The build's language and include folders; warnings are the compiler's business, but for the one that GCC has not (base/mutex.h)."""
    script = "source tools/env.sh && echo $FEEDMILL_DUCKDB_DIR && echo $FEEDMILL_LIGHTGBM_DIR"
    folders = subprocess.run(["bash", "-c", script], cwd=root, check=True, capture_output=True, text=True).stdout.split()
    definitions = ["-DSPDLOG_FMT_EXTERNAL", '-DFEEDMILL_VERSION="0"', '-DFEEDMILL_SOURCE_DIR="."']
    return ["-std=c++23", "-march=x86-64-v3", "-Wno-everything", "-Wthread-safety", *definitions, f"-I{root}/src", *(f"-isystem{folder}/include" for folder in folders)]


@functools.cache
def tool_identity(root: pathlib.Path) -> str:
    version = subprocess.run([CLANG_TIDY, "--version"], check=True, capture_output=True, text=True).stdout
    return version + (root / ".clang-tidy").read_text(encoding="utf-8") + " ".join(flags(root)).replace(str(root), ".")


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


def own_names(text: str) -> set[str]:
    """Names that a source gives outside of any header: functions, types and constants, whatever their namespace."""
    code = re.sub(r"^(namespace|using)\b.*$", "", blank(text), flags=re.MULTILINE)
    types = re.findall(r"\b(?:struct|class|enum(?:\s+class)?|concept)\s+(\w+)", code)
    constants = re.findall(r"\b(\w+)\s*(?:\[[^\]]*\])?\s*(?:=|\{)", "\n".join(re.findall(r"^\w[^\n;({]*[={]", code, re.MULTILINE)))
    return set(types) | set(constants) | {function.name for function in functions(text)} - {"?"}


def units(repository: Repository, paths: list[str]) -> list[list[str]]:
    """The sources in groups of one room in which no name is given twice."""
    groups: list[tuple[str, list[str], set[str]]] = []
    for path in paths:
        room, names = path.split("/")[1], own_names(repository.text(path))
        place = next((group for group in groups if group[0] == room and len(group[1]) < UNIT_FILES_MAX and not group[2] & names), None)
        if place is None:
            place = (room, [], set())
            groups.append(place)
        place[1].append(path)
        place[2].update(names)
    return [group[1] for group in groups]


def tidy(repository: Repository, unit: list[str]) -> list[Finding]:
    """Findings of one run over the sources of a unit."""
    with tempfile.NamedTemporaryFile("w", suffix=".cc", dir=cache_folder()) as joined:
        joined.write("".join(f'#include "{repository.root}/{path}"\n' for path in unit))
        joined.flush()
        target = unit[0] if len(unit) == 1 else joined.name
        command = [CLANG_TIDY, "--quiet", f"--config-file={repository.root}/.clang-tidy", target, "--", *flags(repository.root)]
        result = subprocess.run(command, cwd=repository.root, capture_output=True, text=True)
    findings = []
    for match in filter(None, map(VERDICT.match, result.stdout.split("\n"))):
        where = match.group(1).removeprefix(f"{repository.root}/")
        findings.append(Finding(where, int(match.group(2)), match.group(3), "as it says, or NOLINT(check) with the reason beside it", "each of these checks finds real defects"))
    if result.returncode and not findings:
        findings.append(Finding(unit[0], 1, f"clang-tidy failed: {(result.stderr or result.stdout).strip()[-500:]}", "make it compile", "a file that is not examined is not checked"))
    return findings


def examine(repository: Repository, unit: list[str]) -> list[Finding]:
    """Findings of a unit; a unit that does not compile as a whole is examined file by file."""
    findings = tidy(repository, unit)
    does_not_compile = any("clang-diagnostic-error" in finding.what or "clang-tidy failed" in finding.what for finding in findings)
    if does_not_compile and len(unit) > 1:
        return [finding for path in unit for finding in examine(repository, [path])]
    blamed = {finding.path for finding in findings}
    if does_not_compile or any(path.endswith(".h") for path in blamed):
        return findings
    for path in unit:
        if path not in blamed:
            (cache_folder() / verdict_key(repository, path)).touch()
    return findings


def check(repository: Repository) -> list[Finding]:
    paths = [path for path in repository.sources() if path.startswith("src/") and path.endswith(".cc") and not path.endswith(TEST_SUFFIXES)]
    waiting = [path for path in paths if not (cache_folder() / verdict_key(repository, path)).exists()]
    with ThreadPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count() or 2)) as pool:
        results = pool.map(lambda unit: examine(repository, unit), units(repository, waiting))
        found = [finding for findings in results for finding in findings]
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    sys.exit(run(check))
