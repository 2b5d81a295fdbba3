"""DecoderJob: the training of a network that writes texts, a translator's or a captioner's."""

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.inference.decoder_precision import COMPARED, measured_decoder
from elman.tasks.decoder_plan import DecoderPlan
from elman.tasks.network_job import NetworkJob
from elman.tasks.target_tokens import frequencies
from elman.text.tokenizer import Tokenizer
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.inference.decoder import InferenceDecoder
    from elman.models.decoder import DecoderDrops, DecoderNetwork
    from elman.tasks.decoder_objective import DecoderObjective, DrawnExamples
    from elman.training.objective import Arrays


class EncodedExamples(Protocol):
    """Sources with their targets, as the network reads them."""

    @property
    def target(self) -> list[NDArray[np.int64]]:
        """The ids of each target."""
        ...

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each example ``[N]``."""
        ...

    def sources(self, rows: NDArray[np.int64]) -> list[NDArray[Any]]:
        """The sources of some examples, as the inference engine reads them."""
        ...

    def batch(self, rows: NDArray[np.int64]) -> Any:
        """Some of the examples, by their numbers."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecoderJob(NetworkJob):
    """The data, and what was fitted on it."""

    most_epochs: ClassVar[int]
    """More would only memorise the examples."""

    plan: DecoderPlan

    @property
    @abstractmethod
    def target_tokenizer(self) -> Tokenizer:
        """The tokens of the targets."""

    @property
    @abstractmethod
    def train(self) -> EncodedExamples:
        """The training part as numbers."""

    @property
    @abstractmethod
    def valid(self) -> EncodedExamples:
        """The validation part as numbers."""

    @abstractmethod
    def make_network(self, drops: "DecoderDrops | None" = None) -> "DecoderNetwork":
        """The network, with random weights."""

    @abstractmethod
    def engine(self, arrays: "Arrays", int8: frozenset[str]) -> "InferenceDecoder":
        """The network of the inference engine, with groups of its weights in 8 bits."""

    def drawn(self, plan: DecoderPlan) -> "DrawnExamples | None":
        """Training examples that are drawn anew each time; None: they are always the same."""
        return None

    def begin(self, network: "DecoderNetwork") -> None:
        network.begin_output(frequencies(self.train.target, self.target_tokenizer.size))

    def objective(self, plan: Plan, start: "Arrays | None") -> "DecoderObjective":
        from elman.tasks.decoder_objective import DecoderObjective

        assert isinstance(plan, DecoderPlan)
        return DecoderObjective(self, plan, drawn=self.drawn(plan), start=start)

    def write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        arrays, network = self.trained_weights(), self.make_network().eval()
        network.load_arrays(arrays)
        rows = np.arange(min(len(self.valid.target), COMPARED))
        made = measured_decoder(
            network,
            lambda groups: self.engine(arrays, groups),
            self.target_tokenizer,
            self.valid.batch(rows),
            self.valid.sources(rows),
        )
        return {}, self.store(made.network, made.parity)
