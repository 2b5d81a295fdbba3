"""OutcomeModel: a trained model of outcomes and its uses, computed by the engine without torch."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.column_encoding import COLUMNS_FILE, ColumnEncoding
from elman.data.columns import cell_of, rows_of_lines, table_of, times_of
from elman.data.entity_history import Histories, entities_of, gaps_of
from elman.errors import UsageError
from elman.inference.engine_network import HistoryNetworkConfig
from elman.inference.outcome import InferenceOutcome, inference_outcome
from elman.metrics.calibration import softmax
from elman.models.outcome_config import OutcomeConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.classify.model import Prediction
from elman.tasks.engine_file import Arrays, engine_network
from elman.tasks.folder_model import FolderModel
from elman.tasks.outcome.data import sizes_of
from elman.tasks.outcome.history_file import StoredHistory, read_history
from elman.text.readers.record import listed

if TYPE_CHECKING:
    from elman.evaluation.outcomes import OutcomeReport
    from elman.tasks.folder_model import Weights

_BATCH = 1024


class OutcomeModel(FolderModel):
    """A trained model of outcomes.

    Attributes:
        labels: the outcomes, by id.
        temperature: what logits are divided by, fitted on the validation part.
        history: the states of entities after the rows of its training, if there are entities.
    """

    kind = "outcome"
    article_and_kind = "a model of outcomes"

    def __init__(
        self,
        network: InferenceOutcome,
        encoding: ColumnEncoding,
        config: OutcomeConfig,
        *,
        history: StoredHistory | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__(folder)
        self.network, self.encoding, self.config = network, encoding, config
        self.history = history or StoredHistory(Histories.none(), network.initial_state(0))
        self.temperature = 1.0

    @classmethod
    def _from_folder(cls, folder: Path, values: dict[str, Any], weights: "Weights") -> "OutcomeModel":
        encoding = ColumnEncoding.from_bytes(model_folder.static_files(folder)[COLUMNS_FILE])
        config, sizes = OutcomeConfig.from_json(values), sizes_of(encoding)

        def stored(arrays: Arrays, own: HistoryNetworkConfig) -> "OutcomeModel":
            history = read_history(arrays, own.history, config=config, roles=sizes.roles)
            return cls(InferenceOutcome(arrays, own), encoding, config, history=history, folder=folder)

        return engine_network(
            folder,
            weights,
            HistoryNetworkConfig,
            {"network": config.to_json(), "sizes": sizes.to_json()},
            stored=stored,
            made=lambda arrays: cls(inference_outcome(arrays, config, sizes), encoding, config, folder=folder),
        )

    def calibrate(self, found: Mapping[str, Any]) -> None:
        self.temperature = float(found.get("temperature", 1.0))

    def __repr__(self) -> str:
        return f"OutcomeModel({len(self.encoding.columns)} columns, {len(self.labels)} outcomes)"

    @property
    def labels(self) -> tuple[str, ...]:
        return self.encoding.outcomes

    @property
    def columns_read(self) -> list[str]:
        """The columns that predictions are made from."""
        time = [] if self.encoding.time is None or not self.encoding.entities else [self.encoding.time]
        return list(dict.fromkeys([*self.encoding.entities, *(c.name for c in self.encoding.columns), *time]))

    @property
    def head(self) -> list[str]:
        """The columns of ``Prediction.rows``."""
        return ["outcome", *self.labels]

    def predict(self, rows: Sequence[Mapping[str, Any] | str]) -> list[str]:
        """The likeliest outcome of each row.

        >>> import elman
        >>> model = elman.load("matches-model")  # doctest: +SKIP
        >>> model.predict([{"home_team": "Spain", "away_team": "Malta"}])  # doctest: +SKIP
        ['home win']
        """
        if isinstance(rows, (str, Mapping)):
            raise UsageError("this is one row, and several are expected; give a list of rows")
        return [found.labels[0] for found in self.predictions(rows)]

    def predict_proba(self, rows: Sequence[Mapping[str, Any] | str]) -> NDArray[np.float64]:
        """Calibrated probabilities of the outcomes ``[N, K]``, in the order of ``labels``."""
        found = [each.probabilities for each in self.predictions(rows)]
        return np.stack(found) if found else np.zeros((0, len(self.labels)))

    def predictions(self, rows: Iterable[Mapping[str, Any] | str]) -> Iterator[Prediction]:
        """Predictions for a stream of rows, in its order and in constant memory; no row changes
        another's.

        Args:
            rows: values by column, or ``name=value, name=value``. Missing columns have no value.
        """
        stream = enumerate(rows, 1)
        while some := list(islice(stream, _BATCH)):
            cells = [_row_of(row, number, self.columns_read) for number, row in some]
            probabilities = self._probabilities(cells, [f"row {number}" for number, _ in some])
            for row in probabilities:
                yield Prediction((self.labels[int(row.argmax())],), row, self.labels)

    def rows_of(self, lines: Iterator[str], *, name: str) -> Iterator[dict[str, str]]:
        """The rows of lines of CSV or JSON, as ``predictions`` takes them."""
        return rows_of_lines(lines, name=name)

    def _probabilities(self, rows: Sequence[Mapping[str, str]], positions: Sequence[str]) -> NDArray[np.float64]:
        named = dict.fromkeys((*(column.name for column in self.encoding.columns), *self.encoding.entities), "")
        table = table_of([{**named, **row} for row in rows], positions)
        columns = self.encoding.encode(table)
        if not self.encoding.entities:
            return self.probabilities_of(self.network.logits(*columns))
        histories, states = self.history
        entities, grown = entities_of(table, self.encoding.entities, histories)
        new = len(grown.names) - len(histories.names)
        tops = np.concatenate([states[0], np.zeros((new, states[0].shape[1]), np.float32)])[entities]
        time = self.encoding.time
        assert time is not None
        # A row without a time is asked as of the last one that is known.
        now = float(np.nanmax(histories.last, initial=0.0))
        cells = table.columns.get(time) or ("",) * len(table)
        times = [times_of(table.take([row]), time)[0] if cell else now for row, cell in enumerate(cells)]
        gaps, _ = gaps_of(times, entities, grown, pace=self.encoding.pace, frozen=True)
        return self.probabilities_of(self.network.logits(*columns, tops, gaps))

    def probabilities_of(self, logits: NDArray[Any]) -> NDArray[np.float64]:
        """Calibrated probabilities of logits ``[N, K]``."""
        return softmax(logits.astype(np.float64) / self.temperature)

    def evaluate(
        self, *sources: str | Path, rival: bool = True, progress: Progress | None = None, **settings: Any
    ) -> "OutcomeReport":
        """Log loss, accuracy and calibration on the rows of files, next to the rivals' figures.

        Args:
            rival: whether ratings and logistic regression are trained again for comparison.
            settings: how the files are read (``ColumnsConfig``); by default as in training.
        """
        from elman.tasks.outcome.evaluation import evaluate_sources

        names = [str(source) for source in sources]
        return evaluate_sources(self, names, settings=settings, rival=rival, progress=progress or Progress())

    @property
    def model_hash(self) -> str:
        """Hex digest of configuration, columns, weights and states as they are used."""
        states = [hashlib.sha256(part.tobytes()).hexdigest() for part in self.history.states]
        columns = hashlib.sha256(self.encoding.to_bytes()).hexdigest()
        return self.hash_of(self.network, [columns], [repr(self.temperature), *states])

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        states = {"entities": len(self.history.histories.names)} if self.encoding.entities else {}
        return {
            "name": self.config.cell if self.encoding.entities else "columns",
            "columns": len(self.encoding.columns),
            "outcomes": len(self.labels),
            **states,
            "precision": self.network.precision,
        }


def _row_of(row: Mapping[str, Any] | str, number: int, known: Sequence[str]) -> dict[str, str]:
    position = f"row {number}"
    if isinstance(row, str):
        parts = [part for part in row.split(",") if part.strip()]
        pairs = [part.partition("=") for part in parts]
        if not all(equals for _, equals, _ in pairs):
            raise UsageError(
                f"{position} is {row[:40]!r}; give column=value, column=value, or the name of a file of rows"
            )
        row = {name.strip(): value for name, _, value in pairs}
        strange = [name for name in row if name not in known]
        if strange:
            raise UsageError(f"{position} names {strange[0]!r}; the columns are: {listed(known)}")
    if not isinstance(row, Mapping):
        raise UsageError(f"{position} is of type {type(row).__name__}; give values by the names of columns")
    return {str(name): cell_of(value, name=str(name), position=position) for name, value in row.items()}
