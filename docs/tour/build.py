"""Builds the tour: runs the commands of its chapters in order, and puts below each what it printed
and drew.

    python docs/tour/build.py            # all chapters: about ten minutes; `make docs`
    python docs/tour/build.py 5 6        # these chapters again, with what the others left in the scratch folder
    python docs/tour/build.py --check    # runs nothing: pictures without a command, figures that no command printed

A chapter is Markdown. Its ``sh`` blocks are run by bash, one after another, all chapters in one
scratch folder (``build/tour``), with ``examples/`` in it. What a block prints goes between the two
marks below it:

    <!-- output -->
    <!-- /output -->

and an image's title is the file that a command above it has made:
``![what is seen](far.png "far.png")``. The file is copied beside the chapters under the image's own
name. Numbers in the text have to stand in a command or its output above them, in the same chapter,
perhaps with more digits; integers below ten, years, chapters, the machine and what is written as
code are free. What stands between ``<!-- seeds -->`` and ``<!-- /seeds -->`` counts as printed too:
``docs/tour/seeds.py`` writes it. The processor time of each chapter goes into the table of
README.md.
"""

import io
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

TOUR = Path(__file__).parent
ROOT = TOUR.parents[1]
SCRATCH = ROOT / "build" / "tour"
PORT = "1990"
MACHINE = "2 cores of an AMD EPYC (Zen 4, AVX-512, bf16), 24 GiB"
"""Where the pages were made; change it there and here when they are made elsewhere."""

SLOWER = 4
"""Estimate: a ten-year-old laptop with two cores and no AVX-512 takes this many times as long."""

START, END = "<!-- output -->", "<!-- /output -->"
SEEDS, SEEDS_END = "<!-- seeds -->", "<!-- /seeds -->"
ROW = re.compile(r"^\| \[(\d+)\..*$", re.MULTILINE)
IMAGE = re.compile(r'!\[([^\]]*)\]\(([^)\s]+)(?: "([^"]*)")?\)')
NUMBER = re.compile(r"(?<![\w.,#-])\d[\d,]*(?:\.\d+)?%?(?![\w])")

Run = Callable[[str], str]
"""Runs the lines of one block and gives what they print."""


class TourError(Exception):
    """A chapter is not as it must be; the message says where."""


@dataclass
class Block:
    """Lines of a page: ``sh`` (commands), ``output`` or ``seeds`` (what stands between the marks)
    or ``text``."""

    kind: str
    line: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def chapters(folder: Path = TOUR) -> list[Path]:
    """The chapters in their order, by the numbers that their names begin with."""
    return sorted(folder.glob("[0-9]*.md"), key=lambda path: int(path.name.split("-")[0]))


def blocks(page: str) -> Iterator[Block]:
    """The page in parts; the fences of commands and the marks of outputs belong to none.

    Raises:
        TourError: commands without an output below them, or an output without commands above.
    """
    block, last = Block("text", 1), ""
    for number, line in enumerate(page.splitlines(), 1):
        if block.kind == "text" and line in ("```sh", START, SEEDS):
            if last == "sh" and (line != START or block.text.strip()):
                raise TourError(f"line {number}: the commands above have no {START} right below them")
            if line == START and last != "sh":
                raise TourError(f"line {number}: an output without commands above it")
            if block.lines:
                yield block
            block = Block({"```sh": "sh", START: "output", SEEDS: "seeds"}[line], number + 1)
        elif (block.kind, line) in (("sh", "```"), ("output", END), ("seeds", SEEDS_END)):
            yield block
            block, last = Block("text", number + 1), block.kind
        else:
            block.lines.append(line)
    if block.kind != "text":
        raise TourError(f"line {block.line}: a block of {block.kind} that does not end")
    if last == "sh":
        raise TourError(f"line {block.line}: the commands above have no {START} right below them")
    if block.lines:
        yield block


def commands(block: Block) -> list[str]:
    """The commands of an ``sh`` block, continued lines joined.

    >>> commands(Block("sh", 1, ["elman train my.txt \\\\", "    --out net", "elman info net"]))
    ['elman train my.txt --out net', 'elman info net']
    """
    joined = re.sub(r"\\\n\s*", "", block.text)
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def write(page: str, run: Run, keep: Callable[[str, str], None]) -> str:
    """The page with each block run anew, its output below it; each image is given to
    ``keep(source, name)``.

    Raises:
        TourError: see ``blocks``; or an image that names no source.
    """
    written: list[str] = []
    for block in blocks(page):
        if block.kind == "sh":
            shown = run(block.text).rstrip("\n")
            written += ["```sh", *block.lines, "```", START]
            if shown:
                fence = "````" if "```" in shown else "```"
                written += [f"{fence}text", *(line.rstrip() for line in shown.splitlines()), fence]
            written.append(END)
        elif block.kind == "seeds":
            written += [SEEDS, *block.lines, SEEDS_END]
        elif block.kind == "text":
            for _, name, source in IMAGE.findall(block.text):
                if not source:
                    raise TourError(f"line {block.line}: {name} does not say which command's file it is")
                keep(source, name)
            written += block.lines
    return "\n".join(written) + "\n"


def unprinted(page: str) -> list[str]:
    """Numbers in the text that neither a command nor an output above them has.

    >>> unprinted("```sh\\nelman info net\\n```\\n<!-- output -->\\n1.6629 bits\\n<!-- /output -->\\n1.66, not 1.67.")
    ['line 7: 1.67']
    """
    seen: list[str] = []
    found = []
    for block in blocks(page):
        if block.kind != "text":
            seen += re.findall(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?%?", block.text)
            continue
        for number, line in enumerate(_prose(block.text).splitlines(), block.line):
            found += [f"line {number}: {each}" for each in NUMBER.findall(line) if not _stands(each, seen)]
    return found


def _prose(text: str) -> str:
    """Without code, the numbers of chapters, the machine, and where links and images lead."""
    text = re.sub(r"`[^`\n]+`", "", text.replace(MACHINE, ""))
    text = re.sub(r"^# \d+\.|\[\d+\.|chapter \d+", "", text, flags=re.MULTILINE)
    text = re.sub(r"^```.*?^```$", lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"\]\([^)]*\)", "]", text)


def _stands(number: str, seen: list[str]) -> bool:
    """Whether a number was printed, perhaps with more digits."""
    plain = number.rstrip("%,").replace(",", "")
    digits = len(plain.partition(".")[2])
    if "%" not in number and not digits and (int(plain) < 10 or 1900 < int(plain) < 2100):
        return True
    for each in seen:
        if each.endswith("%") == number.endswith("%"):
            value = float(each.rstrip("%,").replace(",", ""))
            if f"{value:.{digits}f}" == plain:
                return True
    return False


def prepare(folder: Path) -> None:
    """An empty scratch folder with the examples in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "examples").symlink_to(ROOT / "examples")


def free_port() -> str:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def bash(folder: Path) -> Run:
    """Runs blocks in ``folder`` with the ``elman`` and ``python`` of this interpreter; their talk
    is left out.

    A server gets a free port instead of the usual one.
    """
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(block: str) -> str:
        began, port = time.monotonic(), free_port()
        command = ["bash", "-e", "-o", "pipefail", "-c", block.replace(PORT, port)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
        print(f"{time.monotonic() - began:6.1f} s  {block.splitlines()[0][:90]}", file=sys.stderr, flush=True)
        if done.returncode:
            raise TourError(f"these commands failed:\n{block}\n{done.stderr[-2000:]}")
        return done.stdout.replace(port, PORT)

    return run


def keeper(scratch: Path, target: Path) -> Callable[[str, str], None]:
    """Copies a file that a command has made to where the page shows it."""

    def keep(source: str, name: str) -> None:
        made = scratch / source
        if Path(source).parts[0] == "examples" or not made.is_file():
            raise TourError(f"{name}: no command above it has made {source}")
        (target / name).write_bytes(with_palette(made) if name.endswith(".png") else made.read_bytes())

    return keep


def with_palette(file: Path) -> bytes:
    """A plot as PNG of at most 256 colours: a third of its bytes."""
    from PIL import Image

    with Image.open(file) as image:
        found = io.BytesIO()
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(found, "PNG", optimize=True)
    return found.getvalue()


def build(
    run: Run, keep: Callable[[str, str], None], *, target: Path = TOUR, only: Collection[int] = ()
) -> tuple[list[str], dict[int, float]]:
    """Write all chapters, or ``only`` some, into ``target``.

    Returns:
        What is to be mended by hand, text with numbers of an earlier run; and the processor time of
        each chapter (s).
    """
    stale, seconds = [], {}
    for number, chapter in enumerate(chapters(), 1):
        if only and number not in only:
            continue
        began = processor_time()
        try:
            page = write(chapter.read_text(encoding="utf-8"), run, keep)
        except TourError as error:
            raise TourError(f"{chapter.name}: {error}") from error
        (target / chapter.name).write_text(page, encoding="utf-8")
        stale += [f"{chapter.name}, {each}" for each in unprinted(page)]
        seconds[number] = processor_time() - began
    return stale, seconds


def processor_time() -> float:
    """The seconds that the commands so far have kept cores busy; a busy machine changes little
    about them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(page: str, seconds: Mapping[int, float]) -> str:
    """The contents with the times of some chapters: processor time here, and an estimate for a slow
    laptop.

    >>> timed("| [1. One](1.md) | what | 9 s | 40 s |", {1: 61.0})
    '| [1. One](1.md) | what | 61 s | 4 min |'
    """

    def row(found: re.Match[str]) -> str:
        number = int(found[1])
        if number not in seconds:
            return found[0]
        cells = found[0].split(" | ")[:2]
        return " | ".join([*cells, spelled(seconds[number]), f"{spelled(SLOWER * seconds[number])} |"])

    return ROW.sub(row, page)


def spelled(seconds: float) -> str:
    """A time in two digits or less, as people say it.

    >>> spelled(7.2), spelled(88), spelled(200)
    ('7 s', '88 s', '3 min')
    """
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def check() -> list[str]:
    """What is wrong with the chapters as they stand, without running anything."""
    found = []
    for chapter in chapters():
        try:
            wrong = faults(chapter.read_text(encoding="utf-8"), chapter.parent)
        except TourError as error:
            wrong = [str(error)]
        found += [f"{chapter.name}, {each}" for each in wrong]
    return found


def faults(page: str, folder: Path) -> list[str]:
    """What is wrong with one page that lies in ``folder``, without running anything."""
    found = [f"{each} was printed by no command above it" for each in unprinted(page)]
    words: set[str] = set()
    for block in blocks(page):
        if block.kind == "sh":
            words |= set(re.split(r"[\s/\"']+", block.text))
        if block.kind != "text":
            continue
        for _, name, source in IMAGE.findall(block.text):
            if not source or Path(source).parts[0] not in words - {"examples"}:
                found.append(f"{name} has no command above it that makes it")
            if not (folder / name).is_file():
                found.append(f"there is no {name}; run `make docs`")
    return found


def main() -> None:
    if sys.argv[1:] == ["--check"]:
        sys.exit("\n".join(check()) or None)
    if not all(each.isdecimal() for each in sys.argv[1:]):
        sys.exit(__doc__)
    only = {int(each) for each in sys.argv[1:]}
    if not only:
        prepare(SCRATCH)
    try:
        stale, seconds = build(bash(SCRATCH), keeper(SCRATCH, TOUR), only=only)
    except TourError as error:
        sys.exit(str(error))
    contents = TOUR / "README.md"
    contents.write_text(timed(contents.read_text(encoding="utf-8"), seconds), encoding="utf-8")
    if stale:
        sys.exit("the text still has numbers of an earlier run; read these lines again:\n" + "\n".join(stale))


if __name__ == "__main__":
    main()
