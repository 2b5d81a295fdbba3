"""Lists of appointments as pairs of texts, and BLEU of translators by the length of the source,
printed and drawn.

    python examples/encoder_decoder.py lists [LINES] [SEED] > lists.tsv
    python examples/encoder_decoder.py read new.tsv attention summary --out by-length.png

A list has 1 to 6 appointments, as "Monday at eight" beside "at 8 on Mo". What is read is a table of
pairs; two plain files are named with a plus, as in test.en+test.de.
"""

import argparse
import random
from pathlib import Path

import elman
from elman.data.pairs import read_pairs
from elman.evaluation.translations import evaluate_translations
from elman.report.style import drawn
from elman.report.translations_page import draw_by_length

MOST = 6
"""Most appointments of a list."""
DAYS = {"Monday": "Mo", "Tuesday": "Tu", "Wednesday": "We", "Thursday": "Th", "Friday": "Fr"}
HOURS = {"eight": 8, "nine": 9, "ten": 10, "eleven": 11}


def pair(draw: random.Random) -> tuple[str, str]:
    """Appointments as people say them, and each with its hour first and its day short."""
    chosen = [(draw.choice(list(DAYS)), draw.choice(list(HOURS))) for _ in range(draw.randint(1, MOST))]
    source = " ".join(f"{day} at {hour}" for day, hour in chosen)
    return source, " ".join(f"at {HOURS[hour]} on {DAYS[day]}" for day, hour in chosen)


def read(pairs_named: str, folders: list[str], beam_size: int, out: str) -> None:
    """Print and draw BLEU of each translator by the length of the source."""
    pairs = read_pairs(pairs_named.split("+"))
    found = {Path(folder).name: elman.load(folder).predict(pairs.source, beam_size=beam_size) for folder in folders}
    (first, predicted), *others = found.items()
    report = evaluate_translations(pairs, predicted, rivals=dict(others), model=first)
    width = max(map(len, found))
    heads = [f"{group['from']}-{group['to'] or ''}" for group in report.by_length]
    print(" " * width, *(f"{head:>6}" for head in [*heads, "all", "exact"]))
    for each in (report.scores, *report.rivals):
        values = [group["bleu"][each.name] for group in report.by_length]
        values += [each.figures[key].value for key in ("bleu", "exact_match")]
        print(f"{each.name:{width}}", *(f"{value:6.1f}" for value in values))
    files = drawn("lengths", lambda figure: draw_by_length(figure, report.by_length), width=5.2, height=3.0)
    Path(out).write_bytes(files["lengths.png"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    lists = verbs.add_parser("lists")
    lists.add_argument("lines", nargs="?", type=int, default=3000)
    lists.add_argument("seed", nargs="?", type=int, default=1)
    reading = verbs.add_parser("read")
    reading.add_argument("pairs")
    reading.add_argument("folders", nargs="+")
    reading.add_argument("--beam-size", type=int, default=5)
    reading.add_argument("--out", default="by-length.png")
    options = parser.parse_args()
    if options.verb == "read":
        read(options.pairs, options.folders, options.beam_size, options.out)
        return
    draw = random.Random(options.seed)
    for _ in range(options.lines):
        print("\t".join(pair(draw)))


if __name__ == "__main__":
    main()
