"""The files of the repository and the shape of a finding; what every check of this folder shares."""

import dataclasses
import functools
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterable

SOURCE_SUFFIXES = (".cc", ".h")
# Tests, and what only tests include.
TEST_SUFFIXES = ("_test.cc", "_bench.cc", "_fuzz.cc", "_fixture.h", "_fixture.cc", "_for_test.h", "_for_test.cc")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One failure: where, what is wrong, how to mend it, why the rule exists."""

    path: str
    line: int
    what: str
    fix: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}; fix: {self.fix} (why: {self.reason})"


class Repository:
    """Files that git tracks or would track (not ignored, not deleted), by path relative to the root."""

    def __init__(self, root: pathlib.Path):
        self.root = root

    @functools.cached_property
    def files(self) -> list[str]:
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        output = subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout
        return sorted(path for path in set(output.split("\0")) if path and (self.root / path).is_file())

    @functools.cache
    def text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def lines(self, path: str) -> list[str]:
        return self.text(path).split("\n")

    def sources(self) -> list[str]:
        """C++ files of ours."""
        return [path for path in self.files if path.endswith(SOURCE_SUFFIXES)]

    def rooms(self) -> list[str]:
        """Folders of src/ that hold anything."""
        return sorted({path.split("/")[1] for path in self.files if path.startswith("src/") and path.count("/") >= 2})


def default_root() -> pathlib.Path:
    return pathlib.Path(__file__).resolve().parents[2]


def run(check: Callable[[Repository], Iterable[Finding]]) -> int:
    """Prints the findings of one check; the exit status is 1 if there are any."""
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default_root()
    findings = sorted(check(Repository(root)), key=lambda finding: (finding.path, finding.line))
    for finding in findings:
        print(finding)
    return 1 if findings else 0
