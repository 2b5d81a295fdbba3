"""Whether a server stays as it was: many people type for half an hour, and others ask its other
models meanwhile.

    python benchmarks/soak.py LANGUAGE_MODEL [MODEL...] [--minutes 30] [--clients 100] [--keys 1] [--questions 2]

Typing is that of benchmarks/serve.py, on the first model. One more client for each other ability of
the models (predict, translate, similar, ...) asks ``--questions`` times a second. Prints a
line for each twentieth of the time:

    minutes, p50_ms and p99_ms of keys, rss_mb, open files, threads, failed requests

and a last line of JSON with ``pass``: p99 of all keys at most 50 ms, no failed request, and from
the second quarter to the last one memory that grew by at most 5%, and no more open files or threads
(a pool that was not full yet may take one or two).
"""

import argparse
import asyncio
import json
import os
import sys
import time
from statistics import mean
from typing import Any

from serve import AIM_MS, Connection, Tally, made_up, percentile, resident_mb, serving, type_text

GROWTH = 1.05
"""Memory at the end, at most this many times that of the second quarter."""
_SLICES = 20
_LATE_SECONDS = 30.0
_SLACK = 2


def questions(about: dict[str, Any], texts: list[str]) -> dict[str, dict[str, Any]]:
    """What to ask a model, by route; ``texts`` are lines that the typing clients type too."""
    bodies: dict[str, dict[str, Any]] = {
        "score": {"text": texts[0][:200]},
        "correct": {"text": texts[1][:100]},
        "predict": {"input": [text[:200] for text in texts[:4]]},
        "translate": {"input": " ".join(texts[2].split()[:8]), "beam_size": 4},
        "similar": {"word": "the"},
        "rank": {"query": " ".join(texts[3].split()[:4])},
        "forecast": {"input": [{"values": [float(number % 7) for number in range(60)]}]},
    }
    return {route: {**bodies[route], "model": about["id"]} for route in about["elman"]["abilities"] if route in bodies}


async def ask(route: str, body: dict[str, Any], port: int, *, pace: float, end: float, tally: Tally) -> None:
    """One client that asks the same again and again."""
    connection, due = Connection(port), time.perf_counter()
    while due < end:
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        begin = time.perf_counter()
        try:
            status, _ = await connection.ask("POST", f"/v1/{route}", body)
        except (OSError, asyncio.IncompleteReadError) as error:
            status, connection = 0, Connection(port)
            tally.fail(f"{route}: {type(error).__name__}")
        if status not in (0, 200):
            tally.fail(f"{route}: {status}")
        tally.seconds.append(time.perf_counter() - begin)
        # A slow answer delays the next question, which is not asked twice at once.
        due = max(due + pace, time.perf_counter())


def state_of(process: int) -> dict[str, int]:
    """What a process holds now."""
    return {
        "rss_mb": resident_mb(process),
        "files": len(os.listdir(f"/proc/{process}/fd")),
        "threads": len(os.listdir(f"/proc/{process}/task")),
    }


async def watch(keys: Tally, others: dict[str, Tally], rows: list[dict[str, Any]], *, every: float) -> None:
    """A row for each slice of time."""
    begin, seen = time.perf_counter(), 0
    while True:
        await asyncio.sleep(every)
        fresh, seen = keys.seconds[seen:], len(keys.seconds)
        failed = sum(sum(tally.errors.values()) for tally in (keys, *others.values()))
        speed = {"p50_ms": percentile(fresh, 0.5), "p99_ms": percentile(fresh, 0.99)} if fresh else {}
        row = {"minutes": round((time.perf_counter() - begin) / 60, 2), **speed, **state_of(keys.process)}
        rows.append({**row, "failed": failed})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)


async def soak(port: int, process: int, options: argparse.Namespace) -> dict[str, Any]:
    """All clients, until the time is over."""
    main = Connection(port)
    texts = await made_up(main)
    _, found = await main.ask("GET", "/v1/models")
    asked = [each for about in json.loads(found)["data"] for each in questions(about, texts).items()]
    keys, rows, seconds = Tally(process), list[dict[str, Any]](), 60 * options.minutes
    others = {f"{route} {body['model']}": Tally(process) for route, body in asked}
    end = time.perf_counter() + seconds
    typing = [
        type_text(f"client-{number}", port, texts, pace=1 / options.keys, end=end, tally=keys)
        for number in range(options.clients)
    ]
    asking = [
        ask(route, body, port, pace=1 / options.questions, end=end, tally=others[f"{route} {body['model']}"])
        for route, body in asked
    ]
    watching = asyncio.create_task(watch(keys, others, rows, every=seconds / _SLICES))
    try:
        await asyncio.wait_for(asyncio.gather(*typing, *asking), seconds + _LATE_SECONDS)
    except TimeoutError:
        keys.fail("keys still waiting half a minute after the end")
    watching.cancel()
    waited = keys.seconds or [seconds + _LATE_SECONDS]  # nothing was answered after the warm-up
    errors = {what: count for tally in (keys, *others.values()) for what, count in tally.errors.items()}
    return {
        "minutes": options.minutes,
        "clients": options.clients,
        "keys_per_second": options.keys,
        "keys": len(keys.seconds),
        "p50_ms": percentile(waited, 0.5),
        "p99_ms": percentile(waited, 0.99),
        "others": {
            name: {"asked": len(tally.seconds), "p50_ms": percentile(tally.seconds, 0.5)}
            for name, tally in others.items()
        },
        "errors": errors,
        **flatness(rows),
    }


def flatness(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Second and last quarter of what the process held.

    >>> flatness([{"rss_mb": 100 + place, "files": 9, "threads": 4} for place in range(8)])
    {'rss_mb': [102.5, 106.5], 'files': [9, 9], 'threads': [4, 4], 'flat': True}
    """
    quarter = len(rows) // 4
    second, last = rows[quarter : 2 * quarter], rows[-quarter:]
    memory = [mean(row["rss_mb"] for row in part) for part in (second, last)]
    most = {name: [max(row[name] for row in part) for part in (second, last)] for name in ("files", "threads")}
    flat = memory[1] <= GROWTH * memory[0] and all(after <= before + _SLACK for before, after in most.values())
    return {"rss_mb": memory, **most, "flat": flat}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--keys", type=float, default=1.0, help="keys a second, of each client")
    parser.add_argument("--questions", type=float, default=2.0, help="questions a second to each other ability")
    parser.add_argument("--session-megabytes", type=int, default=64, help="what sessions may hold")
    options = parser.parse_args()
    with serving(options.models, options.session_megabytes) as (process, port):
        found = asyncio.run(soak(port, process, options))
    passed = found["p99_ms"] <= AIM_MS and not found["errors"] and found["flat"]
    print(json.dumps({**found, "pass": passed}))
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
