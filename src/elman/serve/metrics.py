"""Counters, gauges and histograms in the text format of Prometheus, version 0.0.4.

That format is a few lines of text, so that no client library is needed for it.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """All figures of one server; any thread may add to them.

    >>> metrics = Metrics()
    >>> metrics.count("elman_tokens_total", "Tokens.", kind="prompt")
    >>> print(metrics.text(), end="")
    # HELP elman_tokens_total Tokens.
    # TYPE elman_tokens_total counter
    elman_tokens_total{kind="prompt"} 1
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heads: dict[str, tuple[str, str]] = {}
        self._counts: dict[str, dict[str, float]] = {}
        self._gauges: dict[str, Callable[[], float]] = {}
        self._seen: dict[str, dict[str, _Histogram]] = {}

    def count(self, name: str, about: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        with self._lock:
            self._heads.setdefault(name, (about, "counter"))
            series = self._counts.setdefault(name, {})
            key = _labels(labels)
            series[key] = series.get(key, 0) + amount

    def gauge(self, name: str, about: str, read: Callable[[], float]) -> None:
        """Show a figure that is read when it is asked for."""
        self._heads[name] = (about, "gauge")
        self._gauges[name] = read

    def observe(self, name: str, about: str, value: float, *, bounds: Sequence[float], **labels: str) -> None:
        """Add a value to a histogram."""
        with self._lock:
            self._heads.setdefault(name, (about, "histogram"))
            series = self._seen.setdefault(name, {})
            key = _labels(labels)
            if key not in series:
                series[key] = _Histogram(bounds)
            series[key].add(value)

    def text(self) -> str:
        """All of them, by name."""
        lines = []
        with self._lock:
            for name, (about, kind) in sorted(self._heads.items()):
                lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
                if name in self._gauges:
                    lines.append(f"{name} {_number(self._gauges[name]())}")
                for labels, value in sorted(self._counts.get(name, {}).items()):
                    lines.append(f"{name}{_braces(labels)} {_number(value)}")
                for labels, histogram in sorted(self._seen.get(name, {}).items()):
                    lines += histogram.lines(name, labels)
        return "\n".join(lines) + "\n"


class _Histogram:
    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._buckets = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._buckets[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: str) -> list[str]:
        found, total = [], 0
        for bound, count in zip([*map(_number, self._bounds), "+Inf"], self._buckets, strict=True):
            total += count
            le = f'le="{bound}"'
            found.append(f"{name}_bucket{_braces(f'{labels},{le}' if labels else le)} {total}")
        return [*found, f"{name}_sum{_braces(labels)} {_number(self._sum)}", f"{name}_count{_braces(labels)} {total}"]


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _braces(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
