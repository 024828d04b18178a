#!/usr/bin/env python3
"""All suites of `make test`, one after the other; the last line is `N passed, N failed` over all of them.

Suites: the checks of the tree (tools/check.sh), the tests of our tools, every GoogleTest program of the build, every
tests/<suite>/run.sh but those that have a target of their own, and the console's `npm test`. A suite that exists and does not run,
crashes, hangs or reports no count is a failure. Skipped tests are listed and counted neither way.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[1]
OWN_TARGETS = {"interop", "faults", "readme"}
BUILD_SECONDS_MAX = 3600
PROGRAM_SECONDS_MAX = int(os.environ.get("PROGRAM_SECONDS_MAX", "300"))
SUITE_SECONDS_MAX = 900
OUTPUT_CHARACTERS_MAX = 6000
COUNT = re.compile(r"^(\d+) passed, (\d+) failed", re.MULTILINE)


@dataclasses.dataclass
class Outcome:
    """What one suite did; `failures` are (test name, output)."""

    suite: str
    passed: int = 0
    failures: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    skipped: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0


def run(command: list, seconds_max: float, environment: dict[str, str] | None = None, folder: pathlib.Path = ROOT) -> tuple[int, str]:
    """Exit status and output of a command in its own process group, which is ended as a whole at the limit."""
    process = subprocess.Popen(
        [str(word) for word in command], cwd=folder, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds_max)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        return 124, f"{output}\nended after {seconds_max:.0f} s, the limit of one suite"


def gtest_program(program: pathlib.Path) -> Outcome:
    """Runs one GoogleTest program; a crash fails the test that was running and says so."""
    outcome = Outcome(program.name)
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        status, output = run([program, f"--gtest_output=json:{report}", "--gtest_brief=1"], PROGRAM_SECONDS_MAX, {"TMPDIR": folder}, program.parent)
        if not report.exists():
            outcome.failures.append((f"{program.name} (no report, exit status {status})", output))
            return outcome
        document = json.loads(report.read_text(encoding="utf-8"))
    for group in document["testsuites"]:
        for test in group["testsuite"]:
            name = f"{group['name']}.{test['name']}"
            if test.get("failures"):
                outcome.failures.append((f"{program.name} {name}", "\n".join(failure["failure"] for failure in test["failures"])))
            elif test["result"] == "COMPLETED":
                outcome.passed += 1
            else:
                outcome.skipped.append(f"{program.name} {name}")
    if status and not outcome.failures:
        outcome.failures.append((f"{program.name} (exit status {status} after its tests)", output))
    if outcome.passed + len(outcome.failures) == 0:
        outcome.failures.append((f"{program.name} (no test ran)", output))
    return outcome


def cpp_tests(build: pathlib.Path, jobs: int) -> list[Outcome]:
    command = ["tools/build.sh", build, jobs, os.environ.get("TARGET", "all")]
    status, output = run(command, BUILD_SECONDS_MAX)
    if status:
        return [Outcome("build", failures=[("build of all targets", output)])]
    programs = sorted(path for path in (build / "tests").glob("*_test") if os.access(path, os.X_OK))

    def timed(program: pathlib.Path) -> Outcome:
        start = time.monotonic()
        outcome = gtest_program(program)
        outcome.seconds = time.monotonic() - start
        return outcome

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(timed, programs))


def counted_script(suite: str, command: list, environment: dict[str, str], folder: pathlib.Path = ROOT) -> Outcome:
    """A script whose last count line is `N passed, N failed`; a bad exit status without a failed test is one failure."""
    outcome = Outcome(suite)
    status, output = run(command, SUITE_SECONDS_MAX, environment, folder)
    counts = COUNT.findall(output)
    failed = int(counts[-1][1]) if counts else 0
    outcome.passed = int(counts[-1][0]) if counts else 0
    if not counts or (status and not failed):
        outcome.failures.append((f"{suite} (exit status {status}, {'no count line' if not counts else 'no failed test'})", output))
    for number in range(failed):
        outcome.failures.append((f"{suite}, failure {number + 1} of {failed}", output if number == 0 else "above"))
    return outcome


def python_tests() -> Outcome:
    outcome = Outcome("tools")
    for path in sorted((ROOT / "tools").rglob("*_test.py")):
        status, output = run(["/usr/bin/python3", path], PROGRAM_SECONDS_MAX)
        ran = re.search(r"^Ran (\d+) tests?", output, re.MULTILINE)
        failed = sum(int(count) for count in re.findall(r"(?:failures|errors)=(\d+)", output))
        if not ran or (status and not failed):
            outcome.failures.append((f"{path.relative_to(ROOT)} (exit status {status})", output))
            continue
        outcome.passed += int(ran.group(1)) - failed
        outcome.failures += [(f"{path.relative_to(ROOT)}", output)] * failed
    return outcome


def vitest_counts(report: pathlib.Path, status: int, output: str) -> Outcome:
    outcome = Outcome("web")
    if not report.exists():
        outcome.failures.append((f"npm test (no report, exit status {status})", output))
        return outcome
    document = json.loads(report.read_text(encoding="utf-8"))
    for file in document["testResults"]:
        for test in file["assertionResults"]:
            name = f"{pathlib.Path(file['name']).name} {test['fullName']}"
            if test["status"] == "passed":
                outcome.passed += 1
            elif test["status"] == "failed":
                outcome.failures.append((name, "\n".join(test.get("failureMessages", []))))
            else:
                outcome.skipped.append(name)
        if file["status"] == "failed" and not any(test["status"] == "failed" for test in file["assertionResults"]):
            outcome.failures.append((pathlib.Path(file["name"]).name, file.get("message", "")))
    if status and not outcome.failures:
        outcome.failures.append((f"npm test (exit status {status})", output))
    return outcome


def web_tests() -> Outcome:
    status, output = run(["web/build.sh", "install"], SUITE_SECONDS_MAX)
    if status:
        return Outcome("web", failures=[("npm ci", output)])
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        command = f"source {ROOT}/tools/env.sh && npm test --silent -- --reporter=json --outputFile={report}"
        status, output = run(["bash", "-c", command], SUITE_SECONDS_MAX, folder=ROOT / "web")
        return vitest_counts(report, status, output)


def suites(build: pathlib.Path, jobs: int, environment: dict[str, str]):
    """The suites in order, each as (name, function that gives outcomes)."""
    yield "check", lambda: [counted_script("check", ["tools/check.sh"], environment)]
    yield "tools", lambda: [python_tests()]
    yield "C++", lambda: cpp_tests(build, jobs)
    for script in sorted(ROOT.glob("tests/*/run.sh")):
        name = script.parent.name
        if name not in OWN_TARGETS:
            yield name, lambda script=script, name=name: [counted_script(name, [script], environment)]
    if (ROOT / "web" / "package.json").exists():
        yield "web", lambda: [web_tests()]


def print_outcome(outcome: Outcome) -> None:
    print(f"{outcome.suite:<24} {outcome.passed:>5} passed {len(outcome.failures):>3} failed {outcome.seconds:>7.1f} s", flush=True)
    for name in outcome.skipped:
        print(f"  skipped: {name}")
    for name, output in outcome.failures:
        print(f"  FAILED: {name}")
        print("\n".join(f"    {line}" for line in output.strip()[-OUTPUT_CHARACTERS_MAX:].split("\n")), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="suites to run (check, tools, C++, a folder of tests/, web); all if none is named")
    arguments = parser.parse_args()
    build = (ROOT / os.environ.get("BUILD", "build/release")).resolve()
    jobs = int(os.environ.get("JOBS") or os.cpu_count() or 2)
    passed, failures = 0, []
    for name, suite in suites(build, jobs, {"BUILD": str(build), "JOBS": str(jobs)}):
        if arguments.only and name not in arguments.only:
            continue
        start = time.monotonic()
        for outcome in suite():
            outcome.seconds = outcome.seconds or time.monotonic() - start
            print_outcome(outcome)
            passed += outcome.passed
            failures += [failed for failed, _ in outcome.failures]
    for name in failures:
        print(f"failed: {name}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
