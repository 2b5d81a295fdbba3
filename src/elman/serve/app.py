"""The HTTP application: the routes, and their common handling."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from elman.errors import ElmanError
from elman.models.protocol import State
from elman.notation import LogProbs, TokenIds
from elman.serve.abilities import ContinuesText, Predicts, PredictsLabels, TagsWords
from elman.serve.batching import Batcher, Patience
from elman.serve.complete import TypingContext, completed
from elman.serve.completions import Answer, check
from elman.serve.corrections import Corrections
from elman.serve.direct import DirectRoute, Handler
from elman.serve.errors import REFUSALS, Problem, bad_field, json_response, shown
from elman.serve.hidden import Hidden
from elman.serve.keyboards import Keyboards
from elman.serve.learned import add_learned_routes
from elman.serve.limits import Limits
from elman.serve.loaded_models import LoadedModels, Served
from elman.serve.metrics import CONTENT_TYPE, Metrics
from elman.serve.middleware import Activity, Guard
from elman.serve.predictions import predicted_labels
from elman.serve.request_context import RequestContext
from elman.serve.routes import ROUTES, Route
from elman.serve.schemas import (
    CompleteAnswer,
    CompleteBody,
    CompletionAnswer,
    CompletionBody,
    CorrectionBody,
    ErrorAnswer,
    Forgotten,
    Health,
    ModelCard,
    ModelList,
    PredictAnswer,
    PredictBody,
)
from elman.serve.sessions import Sessions
from elman.serve.static import web_file, web_page
from elman.serve.streaming import EventStream, Gate, Gone, while_connected
from elman.serve.tag_predictions import predicted_tags
from elman.serve.tag_schemas import CorrectionAnswer
from elman.system.machine import version
from elman.tasks.task import TrainedModel

_THREADS = 8
_READERS = 4
"""Threads for texts that are read as a whole, separate from those for people who wait for a
word."""
_SWEEP_SECONDS = 30.0
_SHORT_SECONDS = 0.05
_FOREIGN = ("/v1/completions", "/v1/embeddings", "/v1/models", "/tokenize", "/detokenize")
"""Routes in the style of other servers; they answer 400 where elman's own answer 422."""
_OTHER_WORK = ("/chat/completions", "/responses", "/embeddings")
"""Routes of OpenAI, with or without /v1, that no model here, or none that is served, can answer."""
_HEAD = ("elman serves models here. A browser gets a page to type on.", "")
_FOOT = (f"{'GET /openapi.json':31}All of it for programs",)

_PREDICTED: dict[type[Predicts], Any] = {PredictsLabels: predicted_labels, TagsWords: predicted_tags}
"""What answers /v1/predict, by the ability."""

T = TypeVar("T")


class Server:
    """Shared by the routes: models, sessions, limits, metrics, and the threads for short work."""

    def __init__(
        self,
        models: Mapping[str, TrainedModel],
        limits: Limits,
        hidden: Hidden,
        corrections: Path | None,
        learned: Path | None,
    ) -> None:
        self.limits, self.hidden = limits, hidden
        self.metrics = Metrics()
        self.loaded = LoadedModels(models, self.metrics)
        self.corrections = None if corrections is None else Corrections(corrections, limits)
        self.sessions = Sessions(limits)
        self.keyboards = Keyboards(learned, limits, self.loaded.all_able(ContinuesText).values())
        self._typing = TypingContext(self.sessions, self.hidden, self.keyboards)
        self.activity = Activity()
        self.running = Gate(limits.max_running, "completions")
        self.waiting = Gate(limits.max_waiting, "requests")
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="elman-serve")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="elman-read")
        self.metrics.requests_running.set_function(lambda: self.activity.running)
        self.metrics.completions_running.set_function(lambda: self.running.inside)
        self.metrics.sessions.set_function(lambda: len(self.sessions))
        self.metrics.session_bytes.set_function(lambda: self.sessions.bytes)
        self.metrics.steps_waiting.set_function(lambda: self.loaded.waiting)

    async def in_thread(self, request: Request, work: Callable[[Patience], T], *, reading: bool = False) -> T:
        """The result of short work, or of ``reading`` a text, while the client waits for it."""
        pool = self._readers if reading else self._pool
        return await self.result(request, lambda patience: pool.submit(work, patience))

    async def result(self, request: Request, start: Callable[[Patience], "Future[T]"]) -> T:
        """The result of what ``start`` starts in a thread, while the client waits for it."""
        patience = Patience(self.limits.request_seconds)
        self.waiting.enter()
        try:
            future = start(patience)
        except BaseException:
            self.waiting.leave()
            raise
        # The place is free when the thread ends, not when the client leaves.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _call_soon(loop, self.waiting.leave))
        answer = asyncio.wrap_future(future)
        try:
            # Most answers are ready before it is worth checking whether the client is still there.
            await asyncio.wait([answer], timeout=_SHORT_SECONDS)
            if answer.done():
                return answer.result()
            return await while_connected(request, answer, seconds=self.limits.request_seconds)
        finally:
            patience.gone.set()

    async def step(
        self, request: Request, batcher: Batcher, state: State, ids: TokenIds | None
    ) -> tuple[State, LogProbs]:
        """A step of a model, one row, for as long as the client waits for it."""
        after, log_probs = await self.result(request, lambda _: batcher.step(state, ids, np.copy))
        assert log_probs is not None  # as there is a use for them
        return after, log_probs

    def side_by_side(self, model: str | None, also: Sequence[str]) -> list[ContinuesText]:
        """The models of a keyboard, each once, in the order of their names in the request."""
        named = [(model, "model"), *((name, "also") for name in also)]
        able = [self.loaded.able(name, ContinuesText, param=param) for name, param in named]
        return list({each.name: each for each in able}.values())

    async def complete(self, body: CompleteBody, request: Request) -> Response:
        """The likeliest next words."""
        served = self.side_by_side(body.model, body.also)
        return json_response(await completed(body, served, self._typing, self, request))

    def forget(self, session: str) -> bool:
        """Erase what was typed and learned under a name."""
        return any([self.sessions.forget(session), self.keyboards.end_session(session)])

    def count_tokens(self, served: ContinuesText, *, read: int, written: int) -> None:
        """Add to the metrics."""
        for kind, amount in (("prompt", read), ("written", written)):
            self.metrics.tokens.labels(kind=kind, model=served.name).inc(amount)

    def card(self, served: Served) -> dict[str, Any]:
        """A model's entry in /v1/models."""
        return served.card(optional=("corrections",) if self.corrections is not None else ())

    def close(self) -> None:
        """Stop all threads."""
        for pool in (self._pool, self._readers):
            pool.shutdown(wait=False, cancel_futures=True)
        self.loaded.close()


def create_app(
    models: Mapping[str, TrainedModel],
    *,
    limits: Limits | None = None,
    names: Collection[str] = (),
    key: str | None = None,
    origins: Collection[str] = (),
    hidden: Hidden | None = None,
    corrections: Path | None = None,
    learned: Path | None = None,
) -> FastAPI:
    """The application that serves models by name; without a name, the first one answers.

    Args:
        names: host names by which clients may address the server, besides localhost and plain
            addresses.
        key: what clients must send as ``Authorization: Bearer KEY``.
        origins: web sites whose pages may use the server (CORS).
        hidden: words that are neither offered nor written.
        corrections: the file that /v1/corrections writes to; without it, there is no such route.
        learned: the file of the words that users teach; without it, each session has its own in
            memory.
    """
    server = Server(models, limits or Limits(), hidden or Hidden(), corrections, learned)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        sweeper = asyncio.create_task(_sweep(server))
        yield
        sweeper.cancel()
        server.close()

    app = FastAPI(
        title="elman", version=version("elman") or "0", lifespan=lifespan, docs_url=None, redoc_url=None,
        responses=REFUSALS, description="Models made from your own text.",
    )  # fmt: skip
    app.state.server = server
    guard = {"limits": server.limits, "metrics": server.metrics, "activity": server.activity}
    handlers = _add_errors(app, server)
    app.add_middleware(DirectRoute, path="/v1/complete", body=CompleteBody, endpoint=server.complete, handlers=handlers)
    app.add_middleware(Guard, **guard, names=names, key=key)
    if origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(origins), allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
        )  # fmt: skip
    for route in ROUTES:
        if not route.only_if_able or server.loaded.all_able(route.ability):
            _add_route(app, server, route)
    _add_own(app, server)
    _add_openai(app, server)
    return app


def _add_route(app: FastAPI, server: Server, route: Route) -> None:
    async def endpoint(body: Any, request: Request) -> Any:
        able = server.loaded.able(body.model, route.ability)

        def work(patience: Patience) -> dict[str, Any]:
            return route.answer(body, able, RequestContext(server.limits, server.hidden, patience, server.loaded))

        return json_response(await server.in_thread(request, work, reading=True))

    endpoint.__annotations__["body"] = route.body
    name = route.path.rpartition("/")[2]
    app.post(route.path, response_model=route.schema, summary=route.summary, name=name)(endpoint)


def _overview(app: FastAPI) -> str:
    """The routes, for a person whose client is no browser."""
    lines = [
        f"{f'{method} {route.path}':30} {route.summary}".replace(":path}", "}")
        for route in app.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in sorted(route.methods or ())
    ]
    return "\n".join([*_HEAD, *lines, *_FOOT, ""])


def _add_errors(app: FastAPI, server: Server) -> dict[type[Exception], Handler]:
    """Answers to errors; returns those to errors of endpoints."""

    async def problem(request: Request, error: Any) -> Response:
        if error.status == 422 and request.url.path.startswith(_FOREIGN):
            error.status = 400
        return error.response()

    async def mistake(request: Request, error: Any) -> Response:
        return await problem(request, Problem(422, str(error), code=error.code))

    async def invalid(request: Request, error: Any) -> Response:
        return await problem(request, bad_field(error.errors()))

    async def http(request: Request, error: Any) -> Response:
        path = request.url.path
        what = {404: f"there is nothing at {shown(path)}; see /openapi.json"}
        if path.rstrip("/").removeprefix("/v1") in _OTHER_WORK:
            what[404] = f"{path} is not served here: these models {server.loaded.routes()}"
        what[405] = f"{request.method[:20]} is not what {shown(path)} takes; see /openapi.json"
        what[400] = "the body is not valid JSON; send one JSON object"
        code = "invalid_json" if error.status_code == 400 else None
        found = Problem(error.status_code, what.get(error.status_code, str(error.detail)), code=code).response()
        found.headers.update(error.headers or {})
        return found

    async def gone(request: Request, error: Any) -> Response:
        return Response(status_code=499)

    async def broken(request: Request, error: Any) -> Response:
        return Problem(500, "something went wrong here; see the server's log").response()

    handlers: dict[type[Exception], Handler] = {Problem: problem, ElmanError: mistake, Gone: gone}
    others: dict[type[Exception], Handler] = {RequestValidationError: invalid, HTTPException: http, Exception: broken}
    for kind, handler in (handlers | others).items():
        app.add_exception_handler(kind, handler)
    return handlers


def _add_own(app: FastAPI, server: Server) -> None:
    @app.post("/v1/complete", response_model=CompleteAnswer, summary="The likeliest next words")
    async def complete(body: CompleteBody, request: Request) -> Any:
        return await server.complete(body, request)

    @app.post("/v1/predict", response_model=PredictAnswer, summary="Labels of texts, or tags of words")
    async def predict(body: PredictBody, request: Request) -> Any:
        able = server.loaded.able(body.model, Predicts)
        answer = await _PREDICTED[type(able)](body, able, server, request)
        server.metrics.texts.labels(model=able.name).inc(len(answer["predictions"]))
        return json_response(answer)

    if server.corrections is not None:
        corrections = server.corrections

        @app.post(
            "/v1/corrections", response_model=CorrectionAnswer, summary="Corrected tags, kept as training data",
            responses={507: {"model": ErrorAnswer, "description": "The file is full or cannot be written."}},
        )  # fmt: skip
        async def correct(body: CorrectionBody, request: Request) -> Any:
            able = server.loaded.able(body.model, TagsWords)
            work = functools.partial(corrections.answer, body, able)
            return json_response(await server.in_thread(request, lambda patience: work(), reading=True))

    if server.loaded.all_able(ContinuesText):
        add_learned_routes(
            app, server.keyboards, server.limits,
            able=lambda body: server.side_by_side(body.model, body.also), in_thread=server.in_thread,
        )  # fmt: skip

    @app.delete("/v1/sessions/{session:path}", response_model=Forgotten, summary="Forget what was typed under a name")
    async def forget(session: str) -> Any:
        return json_response({"session": session, "forgotten": server.forget(session)})

    @app.get("/health", response_model=Health, summary="The same as /healthz")
    @app.get("/healthz", response_model=Health, summary="Whether the server takes requests")
    async def health() -> Any:
        return json_response({"status": "ok"})

    @app.get(
        "/metrics", response_class=Response, summary="Figures for Prometheus",
        responses={200: {"content": {CONTENT_TYPE: {}}, "description": "Text format 0.0.4."}},
    )  # fmt: skip
    async def metrics() -> Any:
        return Response(server.metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Any:
        # Browsers get the page, other clients the list of routes.
        if "text/html" in request.headers.get("accept", ""):
            return web_page()
        return Response(_overview(app), media_type="text/plain; charset=utf-8")

    @app.get("/web/{name}", include_in_schema=False)
    async def web(name: str) -> Any:
        return web_file(name)


def _add_openai(app: FastAPI, server: Server) -> None:
    @app.post(
        "/v1/completions", response_model=CompletionAnswer, summary="OpenAI's completions",
        responses={200: {"content": {"text/event-stream": {}}, "description": "One answer, or a stream of events."}},
    )  # fmt: skip
    async def completions(body: CompletionBody, request: Request) -> Any:
        served = server.loaded.able(body.model, ContinuesText)
        server.running.enter()
        try:
            order = await server.in_thread(request, lambda patience: check(body, served, server.limits, server.hidden))
            with_usage = body.stream_options is not None and bool(body.stream_options.include_usage)
            answer = Answer(order, with_usage=with_usage)
        except BaseException:
            server.running.leave()
            raise

        def done() -> None:
            server.running.leave()
            server.count_tokens(served, read=order.prompt_tokens, written=answer.written)

        if body.stream:
            return EventStream(answer.events(), server.limits, done=done)
        try:
            seconds = server.limits.request_seconds
            return json_response(await while_connected(request, answer.whole(), seconds=seconds))
        finally:
            done()

    @app.get("/v1/models", response_model=ModelList, summary="The models served here")
    async def models() -> Any:
        return json_response(
            {"object": "list", "data": [server.card(served) for served in server.loaded.served.values()]}
        )

    @app.get("/v1/models/{model:path}", response_model=ModelCard, summary="One model")
    async def model(model: str) -> Any:
        return json_response(server.card(server.loaded.find(model)))


async def _sweep(server: Server) -> None:
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        server.sessions.forget_old()
        server.keyboards.forget_old()


def _call_soon(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended before the thread
        loop.call_soon_threadsafe(function)
