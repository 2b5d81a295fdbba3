"""elman rank [MODEL] DOCS"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.apps.rank import FUSION, RankConfig
from elman.apps.ranking.analysis import AnalysisConfig
from elman.apps.ranking.fusion import FOLDS
from elman.apps.ranking.scoring import METHODS
from elman.cli.flags import Json, refuse, with_flags
from elman.cli.screen import make_progress, print_json, printable, table
from elman.errors import UsageError
from elman.progress import counted
from elman.system.files import write_atomic

if TYPE_CHECKING:
    from elman.apps.rank import Hit, Ranker
    from elman.progress import Progress


@with_flags(AnalysisConfig, RankConfig)
def run(
    call: typer.Context,
    given: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] DOCS",
            help="Documents: the lines or records of a file, the files of a folder, or an index of --save-index. "
            "Before them perhaps a network: how likely the query is after each of the first documents.",
        ),
    ],
    query: Annotated[str | None, typer.Option(metavar="TEXT", help="What to look for.")] = None,
    queries: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Many queries: lines, ID<TAB>TEXT in .tsv, or records in .jsonl; - for stdin."
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many documents are shown.")] = 10,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="|".join(METHODS),
            help="How documents are scored (default: bm25; with --qrels all). Of several (repeatable), the sum.",
        ),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="One more score, the similarity of word vectors: a folder of them, or a file of word2vec, GloVe or "
            "fastText.",
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Weights of the scores that --save-weights wrote (default: equal)."),
    ] = None,
    qrels: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Judgements: QUERY 0 DOCUMENT GRADE a line. Prints figures, and fits the weights of the sum.",
        ),
    ] = None,
    grades: Annotated[
        str | None,
        typer.Option(
            metavar="1,2,3|1=3,2=1",
            help="Which grades are relevant, from the best on, or with gains (default: those above 0 as gains).",
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Parts of the queries in cross-validation.")] = FOLDS,
    runs: Annotated[
        list[str] | None,
        typer.Option(
            "--run", metavar="FILE", help="A run of another system, in TREC's format, to compare (repeatable)."
        ),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the others are compared with (default: the first method).")
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the ranking of --queries as a TREC run.")
    ] = None,
    save_weights: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the weights that --qrels fitted.")
    ] = None,
    save_index: Annotated[str | None, typer.Option(metavar="DIR", help="Keep the index in a new folder.")] = None,
    field: Annotated[
        str | None, typer.Option(help="Of documents in .jsonl, .csv and .tsv: the field that holds the text.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the documents.")] = "utf-8",
    as_json: Json = False,
    **settings: Any,
) -> None:
    from elman.apps.ranking.fusion import read_weights
    from elman.apps.ranking_documents import holds_index, make_ranker, opened_index
    from elman.apps.ranking_documents import save_index as save_index_in

    if len(given) > 2:
        raise UsageError(f"{len(given)} arguments; give the documents, and before them perhaps a model")
    if query is not None and queries is not None:
        raise UsageError("--query and --queries both say what to look for; give one of them")
    if query is None and queries is None and save_index is None:
        raise UsageError("nothing to look for; give --query TEXT or --queries FILE, or --save-index DIR for later")
    for flag, value in (("--qrels", qrels), ("--out", out)):
        if value is not None and queries is None:
            raise UsageError(f"{flag} is for many queries; give them with --queries FILE")
    if qrels is None:
        of_judgements = ("grades", "folds", "runs", "baseline", "save_weights")
        refuse(call, of_judgements, "needs judgements, which --qrels FILE gives")
    else:
        refuse(call, ["n"], "is for showing documents, and --qrels gives figures")
    if query is None and queries is None:
        of_queries = ["n", "method", "vectors", "weights", *(name for name in settings if name != "language")]
        refuse(call, of_queries, "is for a query, and there is none")
    if holds_index(Path(given[-1])):
        refuse(call, ["encoding"], f"is for reading documents, and {given[-1]} is an index of them")
    progress = make_progress()
    language = settings.pop("language", None)
    methods = method or (list(METHODS) if qrels is not None else ["bm25"])
    config = RankConfig.from_json(settings)
    with opened_index(given[-1], language=language, field=field, encoding=encoding, progress=progress) as index:
        if save_index is not None:
            save_index_in(index, Path(save_index), source=given[-1])
            progress.say(
                f"index: {counted(len(index), 'document')}, {counted(index.vocabulary, 'term')}, "
                f"{counted(index.words, 'word')}"
            )
        if query is None and queries is None:
            if as_json:
                print_json({"folder": save_index, **index.describe()})
            return
        ranker = make_ranker(
            index, methods=methods, **_models(given[:-1], vectors, progress),
            weights=None if weights is None else read_weights(Path(weights)), config=config,
        )  # fmt: skip
        if query is not None:
            hits = ranker.rank(query, n)
            if not hits:
                progress.say("nothing found: no document has a word of the query")
            _show(query, hits, as_json=as_json)
        elif qrels is None:
            _rank_all(ranker, queries or "-", n, out, as_json=as_json)
        else:
            names = {"qrels": qrels, "grades": grades, "out": out, "save_weights": save_weights, "baseline": baseline}
            _evaluate(ranker, queries or "-", runs or [], names, folds, progress, as_json=as_json)


def _models(given: list[str], vectors: str | None, progress: "Progress") -> dict[str, Any]:
    from elman.api import load
    from elman.tasks.vectors.model import load_any

    model = load(given[0], task="language", progress=progress) if given else None
    return {"model": model, "vectors": None if vectors is None else load_any(Path(vectors), progress=progress)}


def _show(query: str, hits: "list[Hit]", *, as_json: bool) -> None:
    if as_json:
        print_json({"query": query, "documents": [hit.to_json() for hit in hits]})
        return
    begin, end = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("**", "**")
    width = max((len(hit.id) for hit in hits), default=0)
    for hit in hits:
        shown = hit.snippet._replace(text=printable(hit.snippet.text)).marked(begin, end)
        print(f"{hit.score:8.3f}  {printable(hit.id):{width}}  {shown}")


def _rank_all(ranker: "Ranker", queries: str, n: int, out: str | None, *, as_json: bool) -> None:
    """Each query's ranking as it comes: as JSON, or as lines of a run."""
    from elman.apps.ranking.documents import read_named
    from elman.apps.ranking.trec import run_lines

    name = FUSION if len(ranker.weights) > 1 else next(iter(ranker.weights))

    def lines() -> Iterator[str]:
        for each in read_named(queries):
            hits = ranker.rank(each.text, n)
            if as_json:
                yield json.dumps({"id": each.id, "query": each.text, "documents": [hit.to_json() for hit in hits]},
                                 ensure_ascii=False)  # fmt: skip
            else:
                yield from run_lines(each.id, ((hit.id, hit.score) for hit in hits), name)

    if out is None:
        for line in lines():
            print(line, flush=True)
        return
    write_atomic(Path(out), (f"{line}\n".encode() for line in lines()))


def _evaluate(
    ranker: "Ranker",
    queries: str,
    runs: list[str],
    names: dict[str, str | None],
    folds: int,
    progress: "Progress",
    *,
    as_json: bool,
) -> None:
    from elman.apps.rank_report import rank_queries, ranking_figures, unmatched
    from elman.apps.ranking.documents import read_named
    from elman.apps.ranking.fusion import save_weights
    from elman.apps.ranking.trec import parse_grades, read_qrels, read_run, run_lines

    grades = None if names["grades"] is None else parse_grades(names["grades"])
    judged = read_qrels(names["qrels"] or "", grades)
    others = {Path(run).name: read_run(run) for run in runs}
    found = rank_queries(ranker, read_named(queries), judged, folds=folds, progress=progress)
    for note in unmatched(judged, found.runs, ranker.index.ids):
        progress.say(f"note: {note}; they count as not found")
    best = FUSION if FUSION in found.runs else next(iter(found.runs))
    if names["out"] is not None:
        lines = (line for query, scores in found.runs[best].items() for line in run_lines(query, scores.items(), best))
        write_atomic(Path(names["out"]), (f"{line}\n".encode() for line in lines))
    if names["save_weights"] is not None:
        save_weights(Path(names["save_weights"]), found.weights or ranker.weights)
    figures = ranking_figures({**found.runs, **others}, judged, baseline=names["baseline"])
    if as_json:
        print_json({**figures, "weights": found.weights})
        return
    print(ranking_table(figures))
    if found.weights is not None:
        fitted = ", ".join(f"{name} {weight:.3f}" for name, weight in found.weights.items())
        print(f"{FUSION}: weights fitted to the queries of the other {folds - 1} of {folds} parts; to all: {fitted}")


def ranking_table(figures: dict[str, Any]) -> str:
    """Figures of runs as a table: means over queries, 95% intervals, and differences to the
    baseline."""
    head = ["", "MAP", "95%", "nDCG@10", "95%", "recall@100", "ΔMAP", "p", "ΔnDCG@10", "p"]
    rows = []
    for name, each in figures["runs"].items():
        row = [name]
        for figure in ("map", "ndcg@10"):
            row += [f"{each[figure]['value']:.4f}", _range(each[figure])]
        row.append(f"{each['recall@100']['value']:.4f}")
        for difference in each.get("difference", {}).values():
            row += [f"{difference['value']:+.4f}", f"{difference['p']:.4f}"]
        rows.append(row + [""] * (len(head) - len(row)))
    return f"{figures['queries']:,} judged queries; Δ: differences to {figures['baseline']}\n" + table(head, rows)


def _range(interval: dict[str, float | None]) -> str:
    return "" if interval["low"] is None else f"{interval['low']:.3f} to {interval['high']:.3f}"
