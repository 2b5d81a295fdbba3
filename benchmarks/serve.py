"""How soon a key is answered while many people type: a server and a load of its own.

    python benchmarks/serve.py MODEL [--clients 100] [--keys 5] [--seconds 60] [--session-megabytes 256]

Each client types sentences that the model itself makes up, a key at a time, at its own steady pace,
with a backspace now and then, in a session of its own; a sentence that has grown long begins anew.
A key is due at a fixed time, and its seconds count from then on, so that a server that falls behind
cannot hide it. Prints one JSON line:

    p50_ms, p99_ms, max_ms   from the time a key is due to the end of its answer
    within_aim               whether p99 is at most 50 ms and nothing failed
    late_ms                  the 99th percentile of how late the load itself was, which is part of all figures
    cpu, cpu_ms              processor seconds of the server per second, and its processor milliseconds for a key
    rows                     rows of a model step, on average
    memory_mb                of the server, at each tenth of the time: flat once sessions have filled what they may have
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AIM_MS = 50.0
_LONGEST = 300
_WARM_SECONDS = 3.0


class Connection:
    """One keep-alive connection with just enough of HTTP."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body of an answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(data) + data)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(re.findall(rb"(?i)content-length: (\d+)", answer)[0])
        found = await reader.readexactly(length)
        if b"connection: close" in answer.lower():
            self._streams = None
        return int(answer.split(b" ", 2)[1]), found


class Tally:
    """What the clients saw."""

    def __init__(self, process: int) -> None:
        self.process = process
        """The server's number."""
        self.memory: list[int] = []
        self.keys = 0
        """All, those of the warm-up too."""
        self.begin = self.used = 0.0
        """When the first key is due, and the server's processor seconds then."""
        self.seconds: list[float] = []
        self.late: list[float] = []
        self.errors: dict[str, int] = {}

    def fail(self, what: str) -> None:
        """Count an error."""
        self.errors[what] = self.errors.get(what, 0) + 1


async def type_text(name: str, port: int, texts: list[str], *, pace: float, end: float, tally: Tally) -> None:
    """One client until the end."""
    rng = random.Random(name)
    connection = Connection(port)
    typed = rng.choice(texts)[: rng.randrange(_LONGEST)]
    due = time.perf_counter() + rng.random() * pace
    warm = due + _WARM_SECONDS
    coming = rng.choice(texts)
    while due < end:
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        if rng.random() < 0.05 and typed:
            typed, coming = typed[:-1], typed[-1] + coming
        else:
            coming = coming or " " + rng.choice(texts)
            typed, coming = typed + coming[0], coming[1:]
        if len(typed) > _LONGEST:
            typed = ""
        begin = time.perf_counter()
        tally.keys += 1
        try:
            status, _ = await connection.ask("POST", "/v1/complete", {"prompt": typed, "session": name})
        except (OSError, asyncio.IncompleteReadError) as error:
            status, connection = 0, Connection(port)
            tally.fail(type(error).__name__)
        if status not in (0, 200):
            tally.fail(str(status))
        if due > warm:
            tally.seconds.append(time.perf_counter() - due)
            tally.late.append(begin - due)
        due += pace


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of them lies, in milliseconds.

    >>> percentile([0.001, 0.002, 0.003], 0.5)
    2.0
    """
    return round(1000 * sorted(values)[min(int(share * len(values)), len(values) - 1)], 2)


async def made_up(main: Connection) -> list[str]:
    """Texts that the first model makes up."""
    body = {"prompt": [""] * 20, "max_tokens": 400, "seed": 1}
    _, found = await main.ask("POST", "/v1/completions", body)
    return [re.sub(r"\s+", " ", choice["text"]) for choice in json.loads(found)["choices"]]


async def load(port: int, options: argparse.Namespace, tally: Tally) -> list[float]:
    """All clients; the rows of the model's steps, their number and their sum."""
    main = Connection(port)
    texts = await made_up(main)
    before = await step_rows(main)
    tally.begin, tally.used = time.perf_counter(), cpu_seconds(tally.process)
    end = time.perf_counter() + options.seconds + _WARM_SECONDS
    pace = 1 / options.keys
    clients = [
        type_text(f"client-{number}", port, texts, pace=pace, end=end, tally=tally) for number in range(options.clients)
    ]
    watching = asyncio.create_task(watch(tally, every=(options.seconds + _WARM_SECONDS) / 10))
    await asyncio.gather(*clients)
    watching.cancel()
    return [after - first for after, first in zip(await step_rows(Connection(port)), before, strict=True)]


async def step_rows(connection: Connection) -> list[float]:
    """How many steps the models have made, and how many rows in them."""
    _, text = await connection.ask("GET", "/metrics")
    found = dict(re.findall(r"^elman_step_rows_(count|sum) (\S+)$", text.decode(), re.MULTILINE))
    return [float(found.get("count", 0)), float(found.get("sum", 0))]


async def watch(tally: Tally, *, every: float) -> None:
    """Note the server's memory now and then."""
    while True:
        await asyncio.sleep(every)
        tally.memory.append(resident_mb(tally.process))


def resident_mb(process: int) -> int:
    """Megabytes of memory that a process holds."""
    with open(f"/proc/{process}/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def cpu_seconds(process: int) -> float:
    """Processor seconds that a process has used."""
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(models: list[str], session_megabytes: int) -> Iterator[tuple[int, int]]:
    """A server of models while the block runs: its process and its port."""
    bound = ["--session-megabytes", str(session_megabytes)]
    command = [sys.executable, "-m", "elman", "serve", *models, "--port", "0", "--json", *bound]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--keys", type=float, default=5.0, help="keys a second, of each client")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--session-megabytes", type=int, default=256, help="what sessions may hold")
    options = parser.parse_args()
    with serving([options.model], options.session_megabytes) as (process, port):
        tally = Tally(process)
        steps, rows = asyncio.run(load(port, options, tally))
        used, took = cpu_seconds(process) - tally.used, time.perf_counter() - tally.begin
    found = {
        "model": options.model,
        "clients": options.clients,
        "keys_per_second": options.keys,
        "seconds": options.seconds,
        "requests": len(tally.seconds),
        "errors": tally.errors,
        "p50_ms": percentile(tally.seconds, 0.5),
        "p99_ms": percentile(tally.seconds, 0.99),
        "max_ms": percentile(tally.seconds, 1.0),
        "late_ms": percentile(tally.late, 0.99),
        "cpu": round(used / took, 3),
        "cpu_ms": round(1000 * used / tally.keys, 3),
        "memory_mb": tally.memory,
        "steps": int(steps),
        "rows": round(rows / steps, 2) if steps else 0.0,
    }
    print(json.dumps({**found, "within_aim": found["p99_ms"] <= AIM_MS and not tally.errors}))


if __name__ == "__main__":
    main()
