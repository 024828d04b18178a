#!/usr/bin/env python3
"""This build beside a former one, figure by figure, in one call: `former.py FORMER_BUILD [--only NAME ...] [--pairs 9]`.

FORMER_BUILD is a build folder of an older commit (with bin/feedmill and bench/*_bench). Programs run A B B A ...; each figure is the median of
the paired ratios, higher is better for us, beside its lower bound (the second smallest of nine, the fourth of 15: the median lies below it with a
chance of 2 %) and a control A/A. Posts are counted by the second, which hangs on the disk, and by the server's CPU second until its events have landed. A figure whose control is off by more than 3 % is measured again, then named void. Exit 1 when a sound figure's bound is below 0.9.
"""

import argparse
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import collect
from servers import BUILD, RESULTS, WORK, Feedmill

BOUND_MIN = 0.9
CONTROL_OFF_MAX = 0.03
CHANCE_MAX = 0.02
ATTEMPTS = 3
SETTLE_S_MAX = 120
IDLE_SHARE = 0.06  # of one processor, for both servers together

# Program and arguments; its figures, and whether less is better.
PROGRAMS = {
    "collect": (["0.5"], {"read_b100_us": True, "collect_b1000_per_s": False, "collect_b1000_cpu_us": True}),
    "log": (["0.5"], {"w4_b1000_per_s": False, "w4_b1000_cpu_us": True}),
    "compute": (["1000000"], {"compute_us_p50": True, "apply_us": True}),
    "feed": (["200", "5"], {"p50_ms": True}),
    "live_state": (["1000000"], {"events_per_s": False}),
    "vector_index": ([], {"scan_us": True}),
    "score": (["3"], {"leaves63.ours_us": True}),
}


def program_rates(build: pathlib.Path, name: str) -> dict[str, float]:
    arguments, figures = PROGRAMS[name]
    done = subprocess.run([build / f"bench/{name}_bench", *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    said = json.loads(done.stdout.strip().splitlines()[-1])
    rates = {}
    for figure, less_is_better in figures.items():
        value = said
        for part in figure.split("."):
            value = value.get(part, {})
        if value:  # an older program may not measure it
            rates[figure] = 1 / value if less_is_better else value
    return rates


class Posts:
    """Both servers, up at once; whoever is not asked waits, and nobody is asked while events of before still land."""

    def __init__(self, builds: dict[str, pathlib.Path]):
        self.servers = {name: Feedmill(WORK / f"former-{name}", binary=build / "bin/feedmill") for name, build in builds.items()}
        self.seed = 0

    def rates(self, name: str) -> dict[str, float]:
        server, rates = self.servers[name], {}
        for figure, batch in (("track", 1), ("batch100", 100)):
            self.seed += 1
            self.settle()
            before = self.cpu_s()
            rates[figure + "_per_s"], requests = collect.wrk(server.url, collect.script(server.keys["write"], batch, self.seed))
            self.settle()
            rates[figure + "_per_cpu_s"] = requests / (self.cpu_s() - before)
        return rates

    def settle(self) -> None:
        deadline = time.monotonic() + SETTLE_S_MAX
        while time.monotonic() < deadline:
            before = self.cpu_s()
            time.sleep(0.5)
            if self.cpu_s() - before < 0.5 * IDLE_SHARE:
                return
        sys.exit(f"former: the servers are still at work after {SETTLE_S_MAX} s")

    def cpu_s(self) -> float:
        used = 0
        for server in self.servers.values():
            fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
            used += int(fields[11]) + int(fields[12])
        return used / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()


def bound_place(pairs: int) -> int:
    """Of the ordered ratios: the last one that the median lies below with a chance of at most 2 % (sign test)."""
    chance, place = 0.5**pairs, 0
    while chance + math.comb(pairs, place + 1) * 0.5**pairs <= CHANCE_MAX:
        place += 1
        chance += math.comb(pairs, place) * 0.5**pairs
    return place


def compare(measure, pairs: int) -> dict[str, dict]:
    """`measure("a")` is ours, `measure("b")` the former one's."""
    found: dict[str, list] = {"a": [], "b": []}
    for number in range(pairs):
        for name in "ab" if number % 2 == 0 else "ba":
            found[name].append(measure(name))
    figures = {}
    for figure in (name for name in found["a"][0] if name in found["b"][0]):
        a, b = ([rates[figure] for rates in found[name]] for name in "ab")
        ratios = sorted(x / y for x, y in zip(a, b))
        control = statistics.median(a[i] / a[i + 1] for i in range(0, pairs - 1, 2))
        figures[figure] = {"ratio": round(statistics.median(ratios), 3), "bound": round(ratios[bound_place(pairs)], 3), "control": round(control, 3)}
    return figures


def sound(figure: dict) -> bool:
    return abs(figure["control"] - 1) <= CONTROL_OFF_MAX


def measure_until_sound(name: str, measure, pairs: int) -> dict[str, dict]:
    kept: dict[str, dict] = {}
    for _ in range(ATTEMPTS):
        for figure, said in compare(measure, pairs).items():
            if figure not in kept or not sound(kept[figure]):
                kept[figure] = said
        if all(sound(figure) for figure in kept.values()):
            break
    for figure, said in kept.items():
        print(f"{name + '.' + figure:<32} {said['ratio']:7.3f}  bound {said['bound']:6.3f}  control {said['control']:6.3f}{'' if sound(said) else '  void'}", file=sys.stderr, flush=True)
    return kept


def keep(figures: dict[str, dict]) -> dict:
    """Writes what is measured so far."""
    every = [figure for group in figures.values() for figure in group.values()]
    slower = sum(1 for figure in every if sound(figure) and figure["bound"] < BOUND_MIN)
    result = {"bench": "former", "figures": figures, "slower": slower, "void": sum(1 for figure in every if not sound(figure))}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "former.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("former", type=pathlib.Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--pairs", type=int, default=9)
    arguments = parser.parse_args()
    if arguments.pairs < 9:
        parser.error("fewer than 9 pairs have no lower bound")
    if shutil.which("wrk") is None:
        parser.error("there is no wrk; run tools/setup.sh bench")
    for build in (BUILD, arguments.former):
        if not (build / "bench/feed_bench").exists():
            parser.error(f"{build} has no bench/feed_bench; build feedmill and feedmill_bench there: tools/build.sh build/release 2 feedmill feedmill_bench")
    WORK.mkdir(parents=True, exist_ok=True)
    builds = {"a": BUILD, "b": arguments.former.resolve()}
    wanted = [name for name in ["post", *PROGRAMS] if not arguments.only or name in arguments.only]
    figures = {}
    for name in wanted:
        posts = Posts(builds) if name == "post" else None
        measure = posts.rates if posts else lambda which, program=name: program_rates(builds[which], program)
        try:
            figures[name] = measure_until_sound(name, measure, arguments.pairs)
        finally:
            if posts:
                posts.stop()
        result = keep(figures)
    print(json.dumps(result))
    sys.exit(1 if result["slower"] else 0)


if __name__ == "__main__":
    main()
