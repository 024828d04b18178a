#!/usr/bin/env python3
"""Durable POST /v1/track at 64 connections beside nginx `return 204`, and batches of 100. Every 200 is an fsynced event.

The load generator (wrk, one thread) and both servers share the machine's cores, and both servers get the same requests. Each request
carries a new messageId; after the run the number of events the server counted must not be below the number of 200 answers, else no ratio
is printed.
"""

import json
import re
import subprocess
import sys
import tempfile
import urllib.request

from pairs import paired
from servers import RESULTS, WORK, Feedmill, Nginx

CONNECTIONS = 64
SECONDS = 3
PAIRS = 9
CONTROL_SOUND = (0.9, 1.1)  # else something else ran beside, and it is measured again
ATTEMPTS = 3

LUA = """
local n, prefix = 0, "SEED-" .. tostring(math.random(1, 1000000000)) .. "-"
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Basic KEY"
local function event()
  n = n + 1
  return '{"type":"track","event":"post_click","messageId":"' .. prefix .. n .. '","userId":"u' .. (n % 5000) ..
    '","properties":{"post_id":"p' .. (n % 20000) .. '","position":3,"scene":"home"}}'
end
request = function()
  if BATCH == 1 then return wrk.format(nil, "/v1/track", nil, event()) end
  local events = {}
  for i = 1, BATCH do events[i] = event() end
  return wrk.format(nil, "/v1/batch", nil, '{"batch":[' .. table.concat(events, ",") .. ']}')
end
"""


def script(key: str, batch: int, seed: int) -> str:
    import base64

    token = base64.b64encode((key + ":").encode()).decode()
    file = tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False, dir=WORK)
    file.write(LUA.replace("SEED", str(seed)).replace("KEY", token).replace("BATCH", str(batch)))
    file.close()
    return file.name


def wrk(url: str, lua: str) -> tuple[float, int]:
    arguments = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", lua, url]
    out = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True).stdout
    if "Non-2xx" in out:
        sys.exit(f"collect: the server refused requests:\n{out}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), int(re.search(r"(\d+) requests in", out).group(1))


def accepted(server: Feedmill) -> int:
    with urllib.request.urlopen(server.url + "/metrics") as reply:
        text = reply.read().decode()
    return int(float(re.search(r"^feedmill_collect_events_accepted_total (\S+)", text, re.M).group(1)))


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    nginx, server = Nginx(WORK / "nginx"), Feedmill(WORK / "collect")
    answered, seed = 0, 0

    def send(url: str, batch: int) -> tuple[float, int]:
        nonlocal seed
        seed += 1
        return wrk(url, script(server.keys["write"], batch, seed))

    def ours(batch: int) -> float:
        nonlocal answered
        rate, requests = send(server.url, batch)
        answered += requests * batch
        return rate * batch

    def nginx_204() -> float:
        return send(f"http://127.0.0.1:{nginx.port}/", 1)[0]

    try:
        for attempt in range(1, ATTEMPTS + 1):
            single = paired(lambda: ours(1), nginx_204, PAIRS)
            if CONTROL_SOUND[0] <= single["control_a_a"] <= CONTROL_SOUND[1]:
                break
            print(f"collect: attempt {attempt} of {ATTEMPTS}: the control A/A is {single['control_a_a']}, so the machine was not quiet", file=sys.stderr)
        batches = [ours(100) for _ in range(3)]
        counted = accepted(server)
    finally:
        nginx.stop()
        server.stop()
    # wrk gives up requests in flight at the end of a run; the server may have stored those: never fewer than were answered.
    if counted < answered:
        sys.exit(f"collect: {answered} events were answered with 200, the server counted {counted}")
    result = {
        "bench": "collect",
        "track_per_nginx_204": single["ratio"],
        "track_events_per_s": single["a_median"],
        "nginx_204_per_s": single["b_median"],
        "batch100_events_per_s": round(sorted(batches)[1]),
        "pairs": single,
        "attempts": attempt,
        "connections": CONNECTIONS,
    }
    (RESULTS / "collect.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
