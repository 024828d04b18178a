#!/usr/bin/env python3
"""The demo twice: on the template, and on a copy in which every name of its domain is nonsense, lived by a world that speaks it. All figures but times are the same: `make
test-nonsense` (BUILD = build folder)."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import FEEDMILL, ROOT, Checks  # noqa: E402
from own_words import to_nonsense, world_in_nonsense  # noqa: E402

TIMES = ("feed_p50_ms", "feed_p99_ms", "nightly_s")


def demo(folder: pathlib.Path, *arguments: object) -> dict:
    done = subprocess.run([sys.executable, ROOT / "tools/demo.py", "--exit", "--binary", FEEDMILL, "--folder", folder, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"test-nonsense: the demo failed: {done.stdout}")
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    return {name: value for name, value in figures.items() if name not in TIMES}


def main() -> None:
    checks = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="feedmill_nonsense_"))
    plain = demo(folder / "plain")
    project, world = folder / "project", folder / "world.toml"
    subprocess.run([FEEDMILL, "init", project], check=True, stdout=subprocess.DEVNULL)
    to_nonsense(project)
    world.write_text(world_in_nonsense((ROOT / "examples/worlds/social.toml").read_text()))
    nonsense = demo(folder / "nonsense", "--project", project, "--world", world)
    for name, value in plain.items():
        checks.equal(name, nonsense.get(name), value)
    checks.check("the model is better than what is popular", plain["ctr_model"] > plain["ctr_trending"], plain)
    if not checks.failed:
        shutil.rmtree(folder)
    print(json.dumps({"figures": plain}))
    checks.finish()


if __name__ == "__main__":
    main()
