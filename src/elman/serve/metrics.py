"""Metrics of one server, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """All metrics, in a registry of their own. Any thread may add to them.

    >>> metrics = Metrics()
    >>> metrics.tokens.labels(kind="prompt", model="words").inc(3)
    >>> [line for line in metrics.text().decode().splitlines() if "tokens" in line and "#" not in line]
    ['elman_tokens_total{kind="prompt",model="words"} 3.0']
    """

    def __init__(self) -> None:
        disable_created_metrics()  # no time of creation next to each value
        own = self._registry = CollectorRegistry()
        self.requests = Counter("elman_requests_total", "Requests.", ("route", "status"), registry=own)
        self.request_seconds = Histogram(
            "elman_request_seconds", "Seconds from the request to the end of the answer.", ("route",),
            buckets=_SECONDS, registry=own,
        )  # fmt: skip
        self._counters: dict[tuple[str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self.tokens = Counter("elman_tokens_total", "Tokens of completions.", ("kind", "model"), registry=own)
        self.texts = Counter("elman_texts", "Texts that were labelled.", ("model",), registry=own)
        self.step_rows = Histogram("elman_step_rows", "Rows that one model step had.", buckets=_ROWS, registry=own)
        self.requests_running = Gauge("elman_requests_running", "Requests being answered.", registry=own)
        self.completions_running = Gauge("elman_completions_running", "Completions being written.", registry=own)
        self.sessions = Gauge("elman_sessions", "Typing sessions.", registry=own)
        self.session_bytes = Gauge("elman_session_bytes", "Bytes that sessions hold.", registry=own)
        self.steps_waiting = Gauge("elman_steps_waiting", "Calls that wait for a model.", registry=own)

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Add an answered request."""
        # Looking a metric up by its labels takes longer than adding to it.
        counter = self._counters.get((route, status))
        if counter is None:
            counter = self._counters[route, status] = self.requests.labels(route=route, status=status)
        histogram = self._histograms.get(route)
        if histogram is None:
            histogram = self._histograms[route] = self.request_seconds.labels(route=route)
        counter.inc()
        histogram.observe(seconds)

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self._registry)
