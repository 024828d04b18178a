#!/usr/bin/env python3
"""All of `make test-interop`: all.py FOLDER (scratch; holds node/, the Node client). Called by run.sh."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from local_platform import FEEDMILL, Checks, Platform  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def make_lake(folder: pathlib.Path) -> pathlib.Path:
    """A world's history and two nightlies, so that tables have several snapshots, replaced partitions and manifests that merged."""
    shutil.rmtree(folder, ignore_errors=True)
    platform = Platform(folder, "clock.source=driven")
    platform.start()
    try:
        history = platform.simulate("history")
        platform.nightly(history["until"])
        live = platform.simulate("live")
        platform.land()
        platform.nightly(live.get("until", history["until"]))
    finally:
        platform.stop()
    return folder


def read_tables(checks: Checks, project: pathlib.Path) -> dict:
    own = f"{shlex.quote(str(FEEDMILL))} query --project {shlex.quote(str(project))} --rows 0 --format jsonl"
    command = [sys.executable, HERE / "lake_interop.py", "--data", project / "data", "--own", own]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    result = json.loads(done.stdout.splitlines()[-1])
    checks.passed += result["tables"] - result["failed"]
    checks.failed += result["failed"]
    checks.check("there are tables to read", result["tables"] > 10, result)
    return result


def run_clients(checks: Checks, folder: pathlib.Path) -> dict:
    passed = failed = 0
    for program in ("clients.py", "browser_client.py"):
        done = subprocess.run([sys.executable, HERE / program, folder / "node"], stdout=subprocess.PIPE, text=True)
        print(done.stdout, end="", flush=True)
        counts = re.findall(r"^(\d+) passed, (\d+) failed$", done.stdout, re.MULTILINE)
        passed += int(counts[-1][0]) if counts else 0
        failed += int(counts[-1][1]) if counts else 1
    checks.passed += passed
    checks.failed += failed
    return {"passed": passed, "failed": failed}


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    checks = Checks()
    project = pathlib.Path(os.environ["PROJECT"]) if os.environ.get("PROJECT") else make_lake(folder / "app")
    tables = read_tables(checks, project)
    clients = run_clients(checks, folder)
    print(json.dumps({"tables": tables["tables"], "rows": tables["rows"], "columns": tables["columns"], "tables_failed": tables["failed"],
                      "readers": tables["readers"], "client_checks": clients["passed"], "client_checks_failed": clients["failed"]}))
    checks.finish()


if __name__ == "__main__":
    main()
