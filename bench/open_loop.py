"""Open-loop load: requests start at their intended times whatever the answers do; latency counts from the intended start."""

import http.client
import json
import multiprocessing
import queue
import random
import threading
import time


class OpenLoop:
    """Sends `make(i)` -> (path, body) at `rate` a second for `seconds`, over `connections` keep-alive connections."""

    def __init__(self, port: int, headers: dict, make, rate: float, seconds: float, connections: int = 16):
        self.port, self.headers, self.make, self.rate, self.seconds = port, headers, make, rate, seconds
        self.latencies_ms: list[float] = []
        self.failures = 0
        self.degraded = 0
        self.due: queue.Queue = queue.Queue()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(connections)]

    def run(self) -> None:
        for thread in self.threads:
            thread.start()
        begin = time.monotonic()
        for number in range(int(self.rate * self.seconds)):
            intended = begin + number / self.rate
            time.sleep(max(0.0, intended - time.monotonic()))
            self.due.put((number, intended))
        for _ in self.threads:
            self.due.put(None)
        for thread in self.threads:
            thread.join()

    def work(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while (item := self.due.get()) is not None:
            number, intended = item
            path, body = self.make(number)
            try:
                connection.request("POST", path, body, self.headers)
                reply = connection.getresponse()
                text = reply.read()
            except (OSError, http.client.HTTPException):
                self.failures += 1
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                continue
            self.latencies_ms.append((time.monotonic() - intended) * 1000)
            if reply.status != 200:
                self.failures += 1
            elif path == "/v1/feed" and json.loads(text)["degraded"]:
                self.degraded += 1

    def quantile(self, q: float) -> float:
        ordered = sorted(self.latencies_ms)
        return round(ordered[min(len(ordered) - 1, int(q * len(ordered)))], 2) if ordered else float("nan")


class Beside:
    """An OpenLoop in a process of its own, so that its work does not delay the clock of the one that is measured."""

    def __init__(self, *arguments):
        self.answer: multiprocessing.Queue = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=self.work, args=arguments, daemon=True)
        self.process.start()

    def work(self, *arguments) -> None:
        loop = OpenLoop(*arguments)
        loop.run()
        self.answer.put((loop.failures, len(loop.latencies_ms)))

    def finish(self) -> tuple[int, int]:
        """Requests that failed, and all that were answered."""
        result = self.answer.get()
        self.process.join()
        return result


def feed_request(users: int, scene: str = "home"):
    chance = random.Random(7)
    order = [chance.randrange(users) for _ in range(100_000)]
    return lambda i: ("/v1/feed", json.dumps({"user_id": f"u{order[i % len(order)]:06d}", "scene": scene, "n": 10}).encode())


def event_batches(users: int, posts: int, size: int, run: str):
    chance = random.Random(11)

    def make(i: int):
        events = [
            {
                "type": "track",
                "event": "post_click",
                "messageId": f"{run}-{i}-{k}",
                "userId": f"u{chance.randrange(users):06d}",
                "properties": {"post_id": f"p{chance.randrange(posts):07d}"},
            }
            for k in range(size)
        ]
        return "/v1/batch", json.dumps({"batch": events}).encode()

    return make
