#!/usr/bin/env python3
"""Adds up what the parts of tests/faults/run.sh found: summary.py KILLS_JSON STATES_JSONL READY_S_MAX. One line of JSON; status 1 on a loss, or
when something that had to go on beside the kills did not happen."""

import json
import pathlib
import sys

LOSSES = ("lost", "torn", "broken")  # bytes that were promised and are not there, or not readable
DOUBLES = ("duplicated", "reordered")
MUST_BE_ZERO = ("lost", "duplicated")
BESIDE = ("acknowledged", "feeds", "nightlies", "nightlies_killed", "promotions", "rollbacks")   # none may be 0


def main() -> int:
    kills = json.loads(pathlib.Path(sys.argv[1]).read_text())
    parts = [json.loads(line) for line in pathlib.Path(sys.argv[2]).read_text().splitlines()]
    total = {
        "kills": kills["kills"],
        "crash_states": sum(part.get("crash_states", 0) for part in parts),
        "lost": kills["lost"] + sum(part.get(name, 0) for part in parts for name in LOSSES),
        "duplicated": kills["duplicated"] + sum(part.get(name, 0) for part in parts for name in DOUBLES),
        "ready_s_max": kills["ready_s_max"],
        "ready_cpu_s_max": kills["ready_cpu_s_max"],
        **{name: kills[name] for name in BESIDE},
        "maintenance": kills["maintenance"],
    }
    idle = [name for name, count in {**total, **kills["maintenance"]}.items() if count == 0 and name not in MUST_BE_ZERO]
    if idle:
        print(f"faults: nothing of this happened: {', '.join(idle)}", file=sys.stderr)
    late = total["ready_s_max"] > float(sys.argv[3])
    if late:
        print(f"faults: a start took {total['ready_s_max']} s, at most {sys.argv[3]} s are allowed", file=sys.stderr)
    print(json.dumps(total))
    return 1 if total["lost"] or total["duplicated"] or late or idle else 0


if __name__ == "__main__":
    sys.exit(main())
