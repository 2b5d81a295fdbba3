"""What a language model is written as for other tools: ONNX files, a page, an ARPA file."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from elman.decode.direction import check_forward
from elman.decode.offers import listed
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.text.tokenizer import Tokenizer


class Exports:
    """The part of ``Model`` that writes it in other formats."""

    lm: LanguageModel
    folder: Path | None
    card: dict[str, Any]

    def export_onnx(
        self,
        folder: str | Path,
        *,
        precision: Literal["int8", "fp32"] = "int8",
        secrets: bool = True,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Write a network as ``step.onnx`` and ``score.onnx`` into a new folder; returns how exact
        they are.

        The tokenizer is written next to them, and ``onnx.json`` names inputs and outputs.

        Args:
            secrets: whether long numbers, addresses and random strings stand in the vocabulary; if
                not, they are unknown words.

        Raises:
            ModelError: it is not a network.
            MissingExtra: onnx is not installed.
        """
        from elman.export.onnx import write_onnx

        check_forward(self.lm.tokenizer)
        names = self._names(secrets=secrets)
        return write_onnx(Path(folder), self.lm, precision=precision, tokenizer=names, progress=progress or Progress())

    def _names(self, *, secrets: bool) -> Tokenizer:
        """The tokenizer that is written beside a model."""
        from elman.export.private_types import without_private

        return self.lm.tokenizer if secrets else without_private(self.lm.tokenizer)

    def export_html(
        self,
        file: str | Path,
        *,
        name: str | None = None,
        target_size: int | None = None,
        text: str | Path | None = None,
        block: Collection[str] | str = (),
        secrets: bool = False,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Write a model of words as one page that completes text offline; an old file is replaced.

        It holds a network in 8 bits, an n-gram with probabilities of 8 bits, or a mixture of them.

        Args:
            name: its title; by default the name of the model's folder.
            target_size: the most bytes it may have; n-grams are pruned until it fits.
            text: held-out text to count saved keystrokes on (the first 3,000 words); by default the
                validation text named in the model card.
            block: words that the page never offers, as for ``complete``.
            secrets: whether it offers long numbers, addresses and random strings. If not, they do
                not stand in the page either; the returned facts count them.

        Returns:
            Its size, and keystrokes saved by the model and by the page.

        Raises:
            ModelError: the model cannot become a page.
            UsageError: the page cannot be that small; the message says how small it can be.
        """
        from elman.export.fitted_page import PageRequest, export_page  # imports numba
        from elman.system.machine import version

        check_forward(self.lm.tokenizer)
        request = PageRequest(
            model=self.lm,
            folder=self.folder,
            card=self.card,
            name=name or (self.folder.name if self.folder else "elman"),
            version=version("elman") or "0",
            target=target_size,
            text=text,
            block=listed(block),
            secrets=secrets,
        )
        return export_page(Path(file), request, progress=progress or Progress())

    def export(
        self,
        file: str | Path,
        *,
        text: str | Path | None = None,
        tune: str | Path | None = None,
        secrets: bool = True,
        progress: Progress | None = None,
        **settings: Any,
    ) -> dict[str, Any] | None:
        """Write an ARPA file, gzip if its name ends in ``.gz``; an old file is replaced.

        An n-gram model is written as it is. Any other becomes an n-gram first
        (``elman.export.distill``), which takes minutes and loses much of what a network knows.

        Args:
            text: the text on which to query the model; by default its training text or, if that is
                gone, text that it generates.
            tune: text on which to fit the n-gram's weights; by default the validation text named in
                the model card.
            secrets: whether long numbers, addresses and random strings stand in the file; if not,
                they are unknown words, and n-grams have a name of private-use characters for them.
            settings: ``order``, ``ngrams``, ``tokens`` and ``seed``
                (``elman.export.distill.DistillConfig``).

        Returns:
            For a model that was not an n-gram: sizes and perplexities.

        Raises:
            ModelError: its words cannot stand in an ARPA file.
            UsageError: settings for a model that is an n-gram already, or no text to tune on.
        """
        from elman.export.arpa import write_distilled  # imports numba
        from elman.export.distill import DistillConfig
        from elman.models.ngram.arpa import save_arpa

        check_forward(self.lm.tokenizer)
        progress, names = progress or Progress(), self._names(secrets=secrets)
        if not hasattr(self.lm, "backoff_tables"):
            texts = {"text": text, "tune": tune, "folder": self.folder, "card": self.card, "tokenizer": names}
            config = DistillConfig.from_json(settings)
            return write_distilled(Path(file), self.lm, config, **texts, progress=progress)
        given = [name for name, value in {"text": text, "tune": tune, **settings}.items() if value is not None]
        if given:
            raise UsageError(
                f"{given[0]} applies to models that become n-grams; this one already is an n-gram: leave it out"
            )
        save_arpa(self.lm, Path(file), tokenizer=names, progress=progress)
        return None
