"""elman answer DOCS [QUESTION]"""

from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.apps.answer import EMPTY_QUESTION, AnswerConfig
from elman.apps.ranking.analysis import AnalysisConfig
from elman.cli.flags import Json, refuse, with_flags
from elman.cli.screen import make_progress, print_json, printable, table
from elman.errors import UsageError

if TYPE_CHECKING:
    from elman.apps.answer import Answer, Answerer
    from elman.data.squad import SquadFile
    from elman.progress import Progress


@with_flags(AnalysisConfig, AnswerConfig)
def run(
    call: typer.Context,
    docs: Annotated[
        str, typer.Argument(metavar="DOCS", help="Documents as for elman rank, an index of it, or a file for --squad.")
    ],
    question: Annotated[
        str | None, typer.Argument(metavar="[QUESTION]", help="In English; without one, lines of stdin.")
    ] = None,
    squad: Annotated[
        bool,
        typer.Option(
            "--squad", help="DOCS is JSON of SQuAD's shape: without a QUESTION, exact match and F1 of its questions."
        ),
    ] = False,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="With --squad: look in all paragraphs, not in the question's own.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A reader (elman train --task answer), which takes the place of the rules; or a language model, which "
            "weighs the question with each answer in it.",
        ),
    ] = None,
    field: Annotated[
        str | None, typer.Option(help="Of documents in .jsonl, .csv and .tsv: the field that holds the text.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print the sentence, the score and why too.")] = False,
    as_json: Json = False,
    **settings: Any,
) -> None:
    from elman.api import load
    from elman.apps.answer import Answerer
    from elman.apps.ranking.build import IndexedDocument, temporary_index
    from elman.apps.ranking_documents import holds_index, opened_index
    from elman.cli.tasks import other_task
    from elman.data.squad import read_squad
    from elman.text.corpus import read_lines

    if everywhere and (not squad or question is not None):
        raise UsageError("--everywhere is for the questions of a file of SQuAD's shape; add --squad, without QUESTION")
    if question is not None and not question.strip():
        raise UsageError(EMPTY_QUESTION)
    if docs == "-" and question is None:
        raise UsageError(
            "documents and questions cannot both come from stdin; give a QUESTION, or a file", field="documents"
        )
    if squad:
        refuse(call, ["field", "passage_words"], "does not apply to --squad")
    elif holds_index(Path(docs)):
        refuse(call, ["passage_words"], f"is for cutting texts, and {docs} is an index of them")
    progress, language = make_progress(), settings.pop("language", None)
    config = AnswerConfig.from_json(settings)
    file = read_squad(docs) if squad else None
    loaded = None
    if model is not None:
        task = other_task(model)
        if task is not None and task.name != "answer":
            raise UsageError(
                f"--model is {model}, of task {task.name}, which answers no questions; give a reader (elman train FILE "
                "--task answer) or a language model, or leave it out for the rules"
            )
        loaded = load(model) if task is not None else load(model, task="language", progress=progress)
    opened = (
        opened_index(docs, language=language, field=field, passage=config.passage_words, progress=progress)
        if file is None
        else temporary_index(
            starmap(IndexedDocument, file.paragraphs), AnalysisConfig(language=language), progress=progress
        )
    )
    with opened as index:
        answerer = Answerer(index, model=loaded, config=config)
        if question is not None:
            _show(question, answerer.answer(question), explain=explain, as_json=as_json)
        elif file is not None:
            _evaluate(answerer, file, progress, everywhere=everywhere, explain=explain, as_json=as_json)
        else:
            for line, _ in read_lines("-"):
                _show(line, answerer.answer(line), explain=explain, as_json=as_json)


def _show(question: str, found: "Answer", *, explain: bool, as_json: bool) -> None:
    if as_json:
        print_json({"question": question, **found.to_json()})
        return
    print(printable(found.text or "not in the text"), flush=True)
    if explain:
        print(f"  {found.document or '-'}: {printable(found.sentence)}")
        print(f"  {found.score:.2f}: {', '.join(f'{name} {value:.2f}' for name, value in found.parts.items())}")
        print(f"  {found.reason}", flush=True)


def _evaluate(
    answerer: "Answerer", file: "SquadFile", progress: "Progress", *, everywhere: bool, explain: bool, as_json: bool
) -> None:
    from elman.apps.answering.documents import squad_answers, squad_figures

    answers = squad_answers(answerer, file, everywhere=everywhere, progress=progress)
    figures = squad_figures(file, answers)
    if as_json:
        print_json({"figures": figures, "answers": {name: each.text or "" for name, each in answers.items()}})
        return
    if explain:
        for each in file.questions:
            print(f"{each.text}  ({' | '.join(each.answers) or 'no answer'})")
            _show(each.text, answers[each.id], explain=True, as_json=False)
    rows = [
        [name.replace("_", " "), f"{each['questions']:,}"]
        + [f"{100 * each[figure]['value']:.1f}{_range(each[figure])}" for figure in ("exact_match", "f1")]
        for name, each in figures.items()
    ]
    print(table(["", "questions", "exact match (95%)", "F1 (95%)"], rows))


def _range(interval: dict[str, float | None]) -> str:
    low, high = interval["low"], interval["high"]
    return "" if low is None or high is None else f" ({100 * low:.1f} to {100 * high:.1f})"
