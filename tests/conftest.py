"""What many tests share: a private cache, a tiny text, and one model of each kind trained on it."""

import asyncio
import atexit
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from tests.workers import pytest_addoption as pytest_addoption
from tests.workers import pytest_runtestloop as pytest_runtestloop
from tests.workers import pytest_terminal_summary as pytest_terminal_summary

# Before elman is imported anywhere: tests never touch the user's cache.
_folder = tempfile.mkdtemp(prefix="elman-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["ELMAN_CACHE"] = os.path.join(_folder, "cache")
os.environ.setdefault("MPLCONFIGDIR", os.path.join(_folder, "matplotlib"))
os.environ.setdefault("MPLBACKEND", "Agg")
# numba does not notice a change in another file that a kernel calls: a cache for each state of the
# files.
_package = Path(__file__).parents[1] / "src" / "elman"
_compiled = ("[in]n*/*.py", "models/vectors/*.py", "system/prefetch.py", "text/word_ids.py")
_sources = sorted(path for each in _compiled for path in _package.glob(each))
_state = hashlib.sha256(b"".join(each.read_bytes() for each in _sources)).hexdigest()[:16]
os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(tempfile.gettempdir(), f"elman-tests-numba-{_state}"))
# Dozens of tests start processes of elman: each would compile its sources anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Some tests import onnxruntime by themselves; it would keep a device id in the user's cache.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# Threads that wait for each other are slower than one on matrices this small, the more so beside
# other workers.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command does it

NAMES = ("Anna", "Ben", "Clara", "David", "Emma")
VERBS = ("sees", "hears", "likes", "follows", "paints")
THINGS = ("the old house", "a small bird", "the green river", "a tall tree", "the quiet town")
PLACES = ("in the morning", "after lunch", "on Sunday", "at night", "before dinner")


def tiny_text(lines: int, seed: int) -> str:
    """Sentences of a small grammar, one a line, a document every twelve lines."""
    rng = random.Random(seed)
    made = []
    for number in range(lines):
        words = [rng.choice(part) for part in (NAMES, VERBS, THINGS, PLACES)]
        made.append(" ".join(words) + "." + ("\n" if number % 12 == 11 else ""))
    return "\n".join(made) + "\n"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whatever opens the browser is slow, and so are doctests that gather the documentation of
    Python.

    Of a test of more than half a dozen cases, all are slow but two in seven.
    """
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if not item.get_closest_marker("slow"):
            cases[item.nodeid.partition("[")[0]].append(item)
        examples = getattr(getattr(item, "dtest", None), "examples", ())
        gathers = any("pydocs" in text for text in (item.name, *(each.source for each in examples)) if examples)
        if gathers or "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    # Few parameters have seven values or a multiple, so that with the number of the case most
    # values come up.
    for number, item in (numbered for several in cases.values() if len(several) > 6 for numbered in enumerate(several)):
        if number % 7 not in (0, 3):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """Nobody waits for the disk: what it holds after a power cut is not looked at, and kills lose
    no writes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", os.fstat)  # a file that is not open is still an error
        yield


@pytest.fixture(scope="session", autouse=True)
def sketches() -> Iterator[Callable[..., None]]:
    """Trainings leave an empty file for each picture: to draw one takes as long as they do. Gives
    what draws."""
    from elman.report.curve import CURVE_FILE
    from elman.report.growth import GROWTH_FILE
    from elman.tasks import fitting

    def sketch(job: Any, growth: Any = ()) -> None:
        logged = (job.folder / "training" / "log.jsonl").is_file()
        for name in (CURVE_FILE,) * logged + (GROWTH_FILE,) * bool(growth):
            (job.folder / name).write_bytes(b"")
        if (job.folder / "model_card.json").is_file():
            for name, picture in job.pictures().items():
                (job.folder / name).write_bytes(picture)

    with pytest.MonkeyPatch.context() as patched:
        draw = fitting._draw
        patched.setattr(fitting, "_draw", sketch)
        yield draw


@pytest.fixture
def pictures(sketches: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings draw."""
    monkeypatch.setattr("elman.tasks.fitting._draw", sketches)


Shared = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def shared() -> Shared:
    """``shared(name, make)``: a path, only to be read, that ``make(path)`` filled once for all
    workers."""
    root = Path(_folder, "shared")
    root.mkdir(exist_ok=True)

    def path_of(name: str, make: Callable[[Path], object]) -> Path:
        path, done = root / name, root / f"{name}.done"
        with FileLock(root / f"{name}.lock"):
            if not done.exists():
                make(path)
                done.touch()
        return path

    return path_of


@pytest.fixture(scope="session")
def text_file(shared: Shared) -> Path:
    """A text of 600 lines in 50 blocks."""
    return shared("tiny.txt", lambda path: path.write_text(tiny_text(600, seed=1), encoding="utf-8"))


@pytest.fixture(scope="session")
def lstm_folder(text_file: Path, shared: Shared) -> Path:
    """A small LSTM that has learned the tiny text."""
    import elman

    return with_its_text(
        shared(
            "lstm",
            lambda folder: elman.train(
                text_file, out=folder, updates=500, embedding_size=24, hidden_size=32, tied=False, batch=8, bptt=12,
                rate=0.02, dropout=0.0, input_dropout=0.0, threads=1,
            ),
        )
    )  # fmt: skip


@pytest.fixture(scope="session")
def ngram_folder(text_file: Path, shared: Shared) -> Path:
    """A 3-gram of the tiny text."""
    import elman

    return with_its_text(shared("ngram", lambda folder: elman.train(text_file, out=folder, model="ngram", order=3)))


@pytest.fixture(autouse=True)
def trained_once(request: pytest.FixtureRequest, shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several doctests train the same 3-gram of the documentation of Python: it is trained for the
    first of them."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    import elman

    train, settings = elman.train, {"model": "ngram", "order": 3}

    def once(*sources: Any, **given: Any) -> Any:
        if sources != ("builtin:pydocs",) or given != settings:
            return train(*sources, **given)
        folder = shared("pydocs", lambda folder: train(*sources, **given, out=folder))
        return elman.load(with_its_text(folder))

    monkeypatch.setattr(elman, "train", once)


def tiny_reviews(path: Path) -> None:
    """Reviews of one adjective each, ``pos`` or ``neg``, as JSON lines."""
    words = {"pos": ("good", "fine", "great"), "neg": ("bad", "dull", "weak")}
    things = ("film", "story", "cast", "end", "plot", "play")
    rows = [
        {"text": f"A {word} {thing} of {year}!", "label": label}
        for label in words
        for word in words[label]
        for thing in things
        for year in (1990, 1991)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


@pytest.fixture(scope="session")
def reviews_file(shared: Shared) -> Path:
    """The tiny reviews."""
    return shared("reviews.jsonl", tiny_reviews)


@pytest.fixture(scope="session")
def reviews_folder(reviews_file: Path, shared: Shared) -> Path:
    """A small classifier that has learned the tiny reviews."""
    import elman

    return shared(
        "reviews",
        lambda folder: elman.train(
            reviews_file, out=folder, task="classify", epochs=12, embedding_size=8, hidden_size=8, bag=True, rate=0.05,
            input_dropout=0.0, output_dropout=0.0, rival=False, threads=1,
        ),
    )  # fmt: skip


def with_its_text(folder: Path) -> Path:
    """A model that another worker may have trained: its text lies in this worker's cache too, as
    after training."""
    from elman.evaluation.splits import training_text
    from elman.progress import Progress
    from elman.storage.archive import read_json

    card = read_json(folder / "model_card.json")
    text = training_text(folder, card, progress=Progress())
    assert text is not None and text.sha256 == card["data"]["train"]["sha256"]
    return folder


@pytest.fixture(scope="session")
def make_network() -> Any:
    """Small networks with large weights: ``make_network("lstm", tied=False)``."""
    from tests.networks import make

    return make


class Result:
    """What one call of the command line gave."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]):
    """Call the command line in this process: ``cli("info", folder)``."""
    from elman.cli.main import main

    def call(*words: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(word) for word in words])
        shown = capsys.readouterr()
        return Result(int(stopped.value.code or 0), shown.out, shown.err)

    return call


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[Any, Any]]:
    """The browser, started once for all modules, and the event loop of its thread."""
    # The first has no windows at all and needs half the work.
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium-headless-shell")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield launched, loop
        asyncio._set_running_loop(loop)
        launched.close()


@pytest.fixture(scope="module")
def browser(chromium: tuple[Any, Any]) -> Iterator[Any]:
    """The system's Chromium, without a window (playwright's Browser).

    Its loop seems to run in this thread as long as a module uses it; else nothing else there could
    run one.
    """
    launched, loop = chromium
    asyncio._set_running_loop(loop)
    yield launched
    asyncio._set_running_loop(None)
