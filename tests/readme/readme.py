#!/usr/bin/env python3
"""Does what README.md says, as it stands there, and compares what comes out.

An indented line that begins with `$` is a command, given to one shell after another's end; the lines below it are its output, in which
`...` stands for any text (a line of its own: for any lines). A command exits with 0 unless its comment says otherwise ("exits with 1"). Two
things are put in place of what stands there, so that it can run beside others: port 8080 and the folder /tmp/tour. The policies' table of `make
demo` must come out in its order, each figure near the one in the page.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from local_platform import BUILD, Checks, free_port  # noqa: E402

README = ROOT / "README.md"
COMMAND_SECONDS_MAX = 240
DEMO_SECONDS_MAX = 3600
BACKGROUND_SECONDS = 20   # in which a command that stays has said what it says
DEMO_TOLERANCE = 0.25     # of a figure of the demo's table: machines differ in what they can do within a feed's budget
END = "=== end of the command"


def section(title: str) -> str:
    text = README.read_text()
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        sys.exit(f"README.md has no section '{title}'")
    return found.group(1)


def commands(text: str) -> list[tuple[str, list[str]]]:
    """(command, lines of its output) in order."""
    found = []
    for line in text.splitlines():
        if line.startswith("    $ "):
            found.append((line[6:], []))
        elif line.startswith("    ") and found:
            found[-1][1].append(line[4:])
    return found


def pattern(lines: list[str]) -> re.Pattern:
    """`...` alone on a line is any number of lines, else any text within the line."""
    parts = []
    for line in lines:
        parts.append(r"(?:.*\n)*?" if line.strip() == "..." else ".*?".join(re.escape(piece) for piece in line.split("...")) + r"[ ]*\n")
    return re.compile("".join(parts))


class Shell:
    """One bash for the whole tour; standard error goes with standard output, as a person sees it."""

    def __init__(self, folder: pathlib.Path, replaced: dict[str, str]):
        self.replaced = replaced
        self.process = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, bufsize=1)
        self.lines: list[str] = []
        self.arrived = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        self.process.stdin.write("set -m\n")

    def read(self) -> None:
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(line)
                self.arrived.notify_all()
        with self.arrived:
            self.lines.append(f"{END} -1\n")
            self.arrived.notify_all()

    def run(self, command: str, enough) -> tuple[int, str]:
        """Exit code and output. A command in the background is waited for until `enough` of its output is there."""
        for old, new in self.replaced.items():
            command = command.replace(old, new)
        begin = len(self.lines)
        # The mark begins a line of its own, also after an output that ends in none.
        self.process.stdin.write(f"{command}\nprintf '\\n{END} %s\\n' $?\n")
        self.process.stdin.flush()
        stays = re.search(r"&\s*(#.*)?$", command) is not None

        def output() -> list[str]:
            return [line for line in self.lines[begin:] if line != "\n" and not line.startswith((END, "[1]"))]

        def done() -> bool:
            ended = any(line.startswith(END) for line in self.lines[begin:])
            return ended and (not stays or enough("".join(output())))

        with self.arrived:
            self.arrived.wait_for(done, BACKGROUND_SECONDS if stays else COMMAND_SECONDS_MAX)
            code = next((int(line.split()[-1]) for line in self.lines[begin:] if line.startswith(END)), -1)
            return code, "".join(output())

    def close(self) -> None:
        self.process.stdin.write("kill $(jobs -p) 2>/dev/null; wait; exit\n")
        self.process.stdin.close()
        self.process.wait(60)


def tour(checks: Checks) -> None:
    with tempfile.TemporaryDirectory(prefix="feedmill-readme-") as folder:
        port = free_port()
        settings = "myapp/feedmill.toml"
        replaced = {"localhost:8080": f"127.0.0.1:{port}", "/tmp/tour": folder, "$PWD/build/release/bin": str(BUILD / "bin")}
        shell = Shell(ROOT, replaced)
        try:
            for command, lines in commands(section("A tour")):
                expected = pattern([line.replace(":8080", f":{port}") for line in lines])
                code, output = shell.run(command, lambda text, wanted=expected: wanted.search(text) is not None)
                wanted_code = int(found.group(1)) if (found := re.search(r"exits with (\d+)", command)) else 0
                name = command.split("  #")[0].strip()[:90]
                checks.equal(f"$ {name}: exit code", code, wanted_code)
                if lines:
                    checks.check(f"$ {name}: says what the page says", expected.search(output) is not None, f"\n{output[-3000:]}\nwanted\n" + "\n".join(lines))
                if " init " in f" {command} ":
                    path = pathlib.Path(folder) / settings
                    path.write_text(path.read_text().replace("port = 8080", f"port = {port}"))
        finally:
            shell.close()


def table(text: str) -> dict[str, list[float]]:
    """The policies' table: name -> figures."""
    rows = {}
    for line in text.splitlines():
        found = re.match(r"\s*(random|trending|in-network by time|model)\s+((?:[\d.]+%?\s*)+)$", line)
        if found:
            rows[found.group(1)] = [float(figure.rstrip("%")) for figure in found.group(2).split()]
    return rows


def demo(checks: Checks) -> None:
    wanted = table(section("Two commands"))
    done = subprocess.run(["make", "demo", "ARGS=--exit"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEMO_SECONDS_MAX)
    checks.equal("make demo: exit code", done.returncode, 0)
    found = table(done.stdout)
    checks.equal("make demo: the policies in the page's order", list(found), list(wanted))
    for policy, figures in wanted.items():
        for place, figure in enumerate(figures):
            seen = found.get(policy, [None] * len(figures))[place]
            near = seen is not None and abs(seen - figure) <= max(DEMO_TOLERANCE * figure, 0.1)
            checks.check(f"make demo: {policy}, figure {place + 1} is near {figure}", near, seen)


def targets(checks: Checks) -> None:
    """Every `make target` of the page is one of `make help`."""
    listed = subprocess.run(["make", "help"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    known = set(re.findall(r"[a-z][a-z-]+", " ".join(line.split("  ")[0] for line in listed.splitlines())))
    named = set(re.findall(r"make ([a-z][a-z-]+)", README.read_text()))
    checks.equal("targets of the page that `make help` does not list", sorted(named - known), [])


def main() -> None:
    checks = Checks()
    checks.part(targets, checks)
    checks.part(tour, checks)
    if sys.argv[1:] != ["tour"]:
        checks.part(demo, checks)
    checks.finish()


if __name__ == "__main__":
    main()
