"""Model: a trained language model and its uses."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import randbits
from typing import Any, Literal

from elman.apps.keyboard.keyboard import Keyboard
from elman.apps.keyboard.keyboard_model import KeyboardModel
from elman.apps.keyboard.learned_words import LearnedWords
from elman.decode.bulk import Scores, score_texts
from elman.decode.candidates import candidates
from elman.decode.completion import Completion, complete
from elman.decode.masking import Mask
from elman.decode.offers import listed, offers_from
from elman.decode.phrases import complete_phrase
from elman.decode.sampling import generate, make_sampler
from elman.decode.scoring import Context, LineScore, follow_lines, score_lines
from elman.decode.spelling import locale_of
from elman.errors import UsageError
from elman.models.protocol import LanguageModel, State
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.language import load_with_card
from elman.system.machine import cache_folder
from elman.tasks.language.exports import Exports
from elman.tasks.language.known_prompts import check_begun, check_known
from elman.tasks.language.low_level import LowLevel
from elman.text.corpus import CorpusConfig, read_text
from elman.text.speller import Speller
from elman.text.store import Text


class Model(LowLevel, Exports):
    """A trained language model and its uses.

    Attributes:
        lm: the LanguageModel underneath (``elman.models.protocol``).
        speller: the spelling model for unknown words.
        card: its model card; empty until its training has ended.
        folder: its path, or None.
    """

    def __init__(
        self, lm: LanguageModel, speller: Speller, *, card: dict[str, Any] | None = None, folder: Path | None = None
    ) -> None:
        self.lm = lm
        self.speller = speller
        self.card = card or {}
        self.folder = folder

    def __repr__(self) -> str:
        about = self.lm.describe()
        return f"Model({about['name']}, {about['size']}, {self.lm.tokenizer.size} types)"

    def complete(
        self,
        prompt: str,
        *,
        n: int = 5,
        partial: bool | None = None,
        block: Collection[str] | str = (),
        secrets: bool = True,
        punctuation: bool = False,
        repeats: bool = False,
        typos: bool | None = None,
        learned: LearnedWords | None = None,
        also: Sequence["Model"] = (),
        strict: bool = False,
    ) -> Completion:
        """The ``n`` likeliest next words after ``prompt``, with probabilities. Words are offered
        after any prompt.

        Args:
            partial: whether the last word is half-typed; None: if it is unknown or rare there.
            block: words never to offer: words, stems like ``dog*``, expressions like ``/^dog/``, or
                ``builtin`` for a list of profanities.
            secrets: whether to offer long numbers, addresses and random strings.
            punctuation: whether to offer bare punctuation too.
            repeats: whether the last word counts as much as any other to come again, not a tenth.
            typos: whether to offer corrections of a half-typed word that hardly anything begins
                with; None: where tokens are words.
            learned: the user's own words (``elman.apps.keyboard.learned_words``).
            also: models whose words are offered too, such as one of another language.
            strict: whether a prompt of which nothing is known, or whose half-typed word nothing
                that is offered begins with (nor is corrected to), is an error.

        Raises:
            UsageError: an entry of ``block`` is not a pattern; ``learned``, ``also`` or
                ``typos=True`` with models whose tokens are not words; with ``strict``, a prompt
                that is not known.
        """
        rules = {"block": listed(block), "secrets": secrets, "punctuation": punctuation, "repeats": repeats}
        keyboard = self.keyboard(typos=typos, learned=learned, also=also)
        found = keyboard.complete(prompt, n=n, partial=partial, **rules)
        if strict:
            check_begun(keyboard.lms, found, learned=learned)
        return found

    def keyboard(
        self, *, typos: bool | None = None, learned: LearnedWords | None = None, also: Sequence["Model"] = ()
    ) -> Keyboard:
        """What ``complete`` asks, for many questions; arguments are those of ``complete``."""
        parts = [KeyboardModel(model.lm, model.speller) for model in (self, *also)]
        return Keyboard(parts, typos=typos, learned=learned)

    def phrase(
        self,
        prompt: str,
        *,
        n: int = 3,
        words: int = 4,
        beam_size: int = 16,
        partial: bool | None = None,
        block: Collection[str] | str = (),
        secrets: bool = True,
        strict: bool = False,
    ) -> list[tuple[str, float]]:
        """The likeliest continuations of up to ``words`` words, by beam search, with probabilities.
        ``block``, ``secrets`` and ``strict`` are those of ``complete``."""
        if strict:
            check_begun([self.lm], complete(self.lm, prompt, n=1, partial=partial))
        rules = {"block": listed(block), "secrets": secrets}
        return complete_phrase(self.lm, prompt, n=n, words=words, beam_size=beam_size, partial=partial, **rules)

    def candidates(self, prompt: str, texts: Sequence[str]) -> list[tuple[str, float]]:
        """The probability of each given text as what comes next, in the given order."""
        check_known(self.lm, prompt)
        return candidates(self.lm, self.speller, prompt, texts)

    def generate(self, prompt: str = "", **options: Any) -> str:
        """Text that continues ``prompt``; options as for ``stream``."""
        return "".join(self.stream(prompt, **options))

    def stream(
        self,
        prompt: str = "",
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        repetition_penalty: float = 1.0,
        max_tokens: int = 100,
        seed: int | None = None,
        stop: Sequence[str] | str = (),
        block: Collection[str] | str = (),
        secrets: bool = True,
    ) -> Iterator[str]:
        """Like ``generate``, piece by piece.

        Args:
            temperature: 0 takes the likeliest token, 1 samples what the model believes.
            top_k: sample from the ``k`` likeliest only.
            top_p: sample from the smallest set that holds this much probability.
            min_p: sample from tokens with at least this share of the likeliest one's probability.
            repetition_penalty: above 1, tokens that the text has already are less likely.
            seed: makes the text repeatable.
            stop: texts before which to end.
            block: words never to write, as for ``complete``.
            secrets: whether to write long numbers, addresses and random strings.
        """
        check_known(self.lm, prompt)
        sampler = make_sampler(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
        offers = offers_from(listed(block), locale=locale_of(self.lm.tokenizer), secrets=secrets)
        mask = Mask(self.lm.tokenizer, offers) if offers.forbids else None
        more = {"max_tokens": max_tokens, "seed": _seed(seed), "stop": listed(stop)}
        return generate(self.lm, prompt, sampler=sampler, mask=mask, repetition_penalty=repetition_penalty, **more)

    def score(self, line: str, *, prefix: str = "", spelling: bool = True, eos: bool = True) -> LineScore:
        """The log-probability of one line by itself, or as the continuation of ``prefix`` (nats).

        Args:
            prefix: text before the line, as for ``score_lines``.
            spelling: whether an unknown word costs its spelling in addition to `<unk>`.
            eos: whether the line's end, `</s>`, is scored.
        """
        if not isinstance(line, str):
            raise UsageError(f"score takes one line of text, not a {type(line).__name__}; for several use score_lines")
        return next(self.score_lines([line], prefix=prefix, spelling=spelling, eos=eos))

    def score_lines(
        self, lines: Iterable[str], *, prefix: str | Iterable[str] = "", spelling: bool = True, eos: bool = True
    ) -> Iterator[LineScore]:
        """Like ``score`` for many lines, in their order, batched.

        Args:
            prefix: one text before all lines, or one for each line. It may hold several lines; each
                line continues the last of them. A space is put between it and a line, unless one is
                there or the line begins with punctuation.
        """
        return score_lines(self.lm, self.speller, lines, prefix=prefix, spelling=spelling, eos=eos)

    def follow_lines(
        self, lines: Iterable[str], state: State | None = None, *, spelling: bool = True, eos: bool = True
    ) -> Iterator[tuple[LineScore, State]]:
        """Score lines as one text that continues from ``state`` (default: a fresh one), each with
        the state after it."""
        state = self.lm.start() if state is None else state
        return follow_lines(self.lm, self.speller, lines, state, spelling=spelling, eos=eos)

    def score_texts(
        self, lines: Sequence[str], *, prefix: str | Sequence[str] = "", spelling: bool = True, eos: bool = True
    ) -> Scores:
        """The figures of ``score_lines`` for many lines at once, as arrays: the fastest way."""
        return score_texts(self.lm, self.speller, lines, prefix=prefix, spelling=spelling, eos=eos)

    def evaluate(
        self,
        *sources: str | Path,
        context: Context = "document",
        document: Literal["file", "line", "block"] = "file",
        encoding: str = "utf-8",
        field: str | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Bits per byte, perplexity, OOV rate and signature on a text.

        Args:
            sources: files, folders, globs, ``-`` or ``builtin:NAME``.
            context: what the model knows when a line begins: ``carry`` everything before it,
                ``document`` everything since the document began, ``independent`` nothing.
        """
        from elman.evaluation.language import evaluate_text
        from elman.evaluation.splits import seen_in_training

        config = self._corpus_config(document=document, encoding=encoding, field=field)
        with _reading(sources, config, progress) as (text, told):
            seen = seen_in_training(self.folder, self.card, text, sources, progress=told)
            if seen is not None:
                told.say(f"warning: {seen}: figures on it say little about new text")
            return evaluate_text(self.lm, self.speller, text, context=context, progress=told, tuned_on=self._tuned_on)

    def keystrokes(
        self,
        *sources: str | Path,
        context: Context = "document",
        document: Literal["file", "line", "block"] = "file",
        encoding: str = "utf-8",
        field: str | None = None,
        mistype: float | None = None,
        typos: bool | None = None,
        learned: LearnedWords | None = None,
        also: Sequence["Model"] = (),
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """The share of keystrokes that suggestions save on a text (``elman.decode.keystrokes``),
        its 95% interval, and its signature.

        Arguments are those of ``evaluate``, and these. With any of them the text is typed on a
        ``keyboard`` key by key, which takes much longer, and then on one without corrections, own
        words and other models (``plain``; ``gain`` is what they bring):

        Args:
            mistype: the share of words that are mistyped
                (``elman.apps.keyboard.simulated_typist``).
            typos: whether corrections are offered; by default they are.
            learned: the user's own words; those of the text are added, line by line.
            also: models whose words are offered too.

        Raises:
            UsageError: a model whose tokens are not words, no text, or ``mistype`` is no share.
        """
        from elman.apps.keyboard.simulated_typist import SimulatedTypist
        from elman.evaluation.keystrokes import keystrokes_of

        how: dict[str, Any] = {}
        if mistype is not None or typos is not None or learned is not None or also:
            keyboard = self.keyboard(typos=typos, learned=learned, also=also)
            marks = {
                "typos": typos is not False,
                f"mistyped:{mistype or 0:g}": bool(mistype), "learned": learned is not None,
                **{f"also:{model.lm.model_hash[:8]}": True for model in also},
            }  # fmt: skip
            how["typist"] = SimulatedTypist(keyboard, mistype=mistype or 0.0).type_lines
            if typos is not False or learned is not None or also:
                how["plain"] = SimulatedTypist(self.keyboard(typos=False), mistype=mistype or 0.0).type_lines
            how["typed"] = "-".join(["keyboard", *(mark for mark, on in marks.items() if on)])
        config = self._corpus_config(document=document, encoding=encoding, field=field)
        with _reading(sources, config, progress) as (text, told):
            return keystrokes_of(self.lm, text, context=context, progress=told, tuned_on=self._tuned_on, **how)

    def _corpus_config(self, **settings: Any) -> CorpusConfig:
        return CorpusConfig(**settings, pretokenized=self.lm.tokenizer.config.pretokenized)

    @property
    def _tuned_on(self) -> str | None:
        for name in ("adaptation", "mixture"):
            if "tuned_on" in self.card.get(name, {}):
                return str(self.card[name]["tuned_on"])
        return None

    def info(self) -> dict[str, Any]:
        """The model card, and facts that need none."""
        # For models computed by the engine, show the familiar hash of the weights.
        model_hash = getattr(self.lm, "weights_hash", self.lm.model_hash)
        about = {**self.lm.describe(), "hash": model_hash, "vocabulary": self.lm.tokenizer.size}
        size = model_folder.folder_bytes(self.folder) if self.folder else None
        return {**self.card, "model": about, "folder": str(self.folder) if self.folder else None, "bytes": size}

    def keep_in_memory(self) -> None:
        """Release the folder, which may then be removed."""
        self.folder = None

    def save(self, folder: str | Path) -> None:
        """Write the model into a new folder.

        Raises:
            FolderError: the folder exists and is not empty.
        """
        from elman.storage.language import save_model

        path = Path(folder)
        save_model(path, self.lm, self.speller, card=self.card, source=self.folder)
        self.folder = path


def load(folder: str | Path, *, progress: Progress | None = None, torch: bool = False) -> Model:
    """Read a model folder, or an n-gram model from an ARPA file (plain or compressed).

    Args:
        torch: whether a network is computed by torch, where that is installed, from the weights as
            they were trained. By default elman's own engine computes it, in 8 bits where perplexity
            changes by less than 0.5%.

    Raises:
        FolderError: missing, damaged, too new or hostile.
    """
    path = Path(folder)
    lm, speller, card = load_with_card(path, progress=progress, torch=torch)
    return Model(lm, speller, card=card, folder=path)


@contextmanager
def _reading(
    sources: Sequence[str | Path], config: CorpusConfig, progress: Progress | None
) -> Iterator[tuple[Text, Progress]]:
    """The text of an evaluation, in normal form, and its progress."""
    if not sources:
        raise UsageError("no text was given; name files, folders, globs, - for stdin, or builtin:pydocs")
    told = progress or Progress()
    with read_text(sources, config=config, folder=cache_folder() / "texts", progress=told) as text:
        yield text, told


def _seed(seed: int | None) -> int:
    if seed is None:
        return randbits(32)
    if seed < 0:
        raise UsageError.of("seed", seed, "0 or more")
    return seed
