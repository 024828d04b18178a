#!/usr/bin/env python3
"""Writes tools/requirements-interop.txt: the foreign clients of `make test-interop` with every dependency pinned by hash.

Run it to change a version: edit WANTED, run `tools/lock_interop.py`, commit the file it wrote.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

WANTED = {
    "pyiceberg[pyarrow,sql-sqlite]==0.12.*": "independent reader of our tables",
    "duckdb==1.5.5": "second independent reader, by its own iceberg extension",
    "duckdb-extension-avro==1.5.5": "needed by the iceberg extension",
    "duckdb-extension-iceberg==1.5.5": "reads Iceberg metadata",
    "duckdb-extension-httpfs==1.5.5": "S3 reading",
    "segment-analytics-python==2.4.0": "published client of the event API",
    "requests==2.*": "plain HTTP in the tests",
}
TARGET = pathlib.Path(__file__).parent / "requirements-interop.txt"


def main() -> int:
    # The set-up's own pip resolves, so that the lock fits the Python that will install it.
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
    pip = [cache / "feedmill/pip/bin/python", "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed"]
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        subprocess.run([*pip, "--report", report.name, *WANTED], check=True)
        resolved = json.load(open(report.name, encoding="utf-8"))["install"]
    lines = ["# Written by tools/lock_interop.py; installed with --require-hashes by `tools/setup.sh interop`."]
    lines += [f"# wanted: {name}: {why}" for name, why in WANTED.items()]
    for item in sorted(resolved, key=lambda item: item["metadata"]["name"].lower()):
        sha256 = item["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{item['metadata']['name']}=={item['metadata']['version']} --hash=sha256:{sha256}")
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
