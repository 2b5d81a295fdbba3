"""THE gradient loop: truncated backpropagation through time over streams, the state carried.

It asks a network for ``loss(chunk, state, masks) -> Loss``, weights and an initial state only. With a plan, a run is
deterministic: stopping it anywhere and resuming gives bit for bit the model of an uninterrupted run
on the same machine with the same versions, thread count and precision.
"""

import math
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from elman.data.frequency import count_types
from elman.data.streams import Chunk, Streams
from elman.errors import FolderError, Interrupted, TrainingError
from elman.models.network_config import NeuralConfig
from elman.models.neural import Drops, Network, NeuralModel
from elman.models.softmax_clusters import lay_out, read_layout
from elman.nn.clusters import Clusters
from elman.nn.dropout import Masks
from elman.nn.penalties import Penalties
from elman.progress import duration
from elman.storage import folder as model_folder
from elman.system.machine import peak_memory, prepare_device, set_threads, tune_allocator
from elman.training.checkpoint import Position, read_checkpoint, write_checkpoint
from elman.training.gradient_log import GradientLog
from elman.training.interrupt import StopRequest
from elman.training.nonfinite import first_nonfinite
from elman.training.optimizers import fits_optimizer, make_optimizers, optimizer_arrays, restore_optimizer, set_rate
from elman.training.run import Plan, Run
from elman.training.schedule import make_schedule
from elman.training.sparse_updates import clip_gradients, step
from elman.training.training_log import TrainingLog
from elman.training.variable_bptt import varied_length


@dataclass(frozen=True)
class Update:
    """What one update did."""

    loss: float
    """Mean nats per token."""
    norm: float
    """Gradient norm before clipping."""
    tokens: int


class Training:
    """A network, its optimiser and its place in the text: everything that an update changes."""

    def __init__(self, run: Run) -> None:
        assert run.plan is not None
        plan = run.plan
        tune_allocator()
        set_threads(plan.threads)
        prepare_device(plan.device, precision=plan.precision)
        torch.manual_seed(plan.seed)
        self.plan: Plan = plan
        self.device = torch.device(plan.device)
        drops = Drops(
            input=plan.input_dropout,
            between=plan.dropout,
            embedding=plan.embedding_dropout,
            weights=plan.weight_drop,
        )
        penalties = Penalties(activation=plan.activation_penalty, temporal=plan.temporal_penalty)
        config = cast(NeuralConfig, run.config)
        clusters = _clusters(run, config)
        self.network = Network(config, run.tokenizer.size, drops=drops, penalties=penalties, clusters=clusters)
        if run.start is not None:
            self.network.load_arrays(run.start)
        # Drawn on the processor, so that a seed means the same first weights everywhere.
        self.network.to(self.device)
        self.optimizers = make_optimizers(
            self.network,
            name=plan.optimizer,
            rate=plan.rate,
            weight_decay=plan.weight_decay,
            dtype=torch.bfloat16 if plan.precision == "bf16" else torch.float32,
        )
        self.schedule = make_schedule(plan.schedule, updates=plan.updates, warmup=plan.warmup, cooldown=plan.cooldown)
        self.streams = Streams(
            run.train.ids,
            run.train.documents,
            vocab_size=run.tokenizer.size,
            batch=plan.batch,
            seed=plan.seed,
            line_resets=plan.line_resets,
        )
        rows = max(1, min(plan.batch, len(run.valid.ids) // 400))
        self.valid = Streams(
            run.valid.ids, run.valid.documents, vocab_size=run.tokenizer.size, batch=rows, seed=0, move=False
        )
        self.position = Position()
        self.state = self.network.initial_state(plan.batch)
        self.average: dict[str, Tensor] = {}

    def update(self) -> Update:
        """One step of the optimiser.

        Raises:
            TrainingError: the loss or the gradient is not finite; nothing was changed by this update.
        """
        plan, position = self.plan, self.position
        chunk, cursor = self.streams.chunk(position.cursor, self._length())
        rate = plan.rate * self.schedule(position.update)
        # Fewer tokens, a smaller step: else short chunks would weigh more than long ones.
        share = chunk.targets.shape[1] / plan.bptt if plan.vary_bptt else 1.0
        set_rate(self.optimizers, rate * share)
        self.network.zero_grad(set_to_none=True)
        with self._autocast():
            loss = self.network.loss(chunk, self.state, Masks(plan.seed, position.update))
        mean = loss.total / loss.count
        value = float(mean.detach())
        if not math.isfinite(value):
            raise self._blame(chunk, "loss")
        (mean if loss.penalty is None else mean + loss.penalty).backward()
        norm = clip_gradients(self.network.parameters(), plan.clip or math.inf)
        if not math.isfinite(norm):
            raise self._blame(chunk, "gradient")
        for optimizer in self.optimizers:
            step(optimizer)
        self.state = tuple(part.detach() for part in loss.state)
        position.update += 1
        position.epoch, position.offset = cursor.epoch, cursor.offset
        if position.update > plan.average_from * plan.updates or position.average_start:
            self._add_to_average()
        return Update(value, norm, loss.count)

    def validate(self) -> float:
        """Mean nats per token of the validation text, the state carried along each row."""
        backup = self._use_average()
        total, count = 0.0, 0
        state = self.network.initial_state(self.valid.batch)
        for chunk in self.valid.epoch(self.valid_length):
            nats, state = self.score_chunk(chunk, state)
            total += nats
            count += chunk.targets.size
        self._restore(backup)
        return total / count

    def score_chunk(self, chunk: Chunk, state: tuple[Tensor, ...]) -> tuple[float, tuple[Tensor, ...]]:
        """Summed nats of a chunk without masks and gradients, and the state after it."""
        with torch.no_grad(), self._autocast():
            loss = self.network.loss(chunk, state)
        return float(loss.total), loss.state

    def average_from_here(self) -> None:
        """Begin to average the weights, with those of the next update (Merity et al. 2018, NT-ASGD)."""
        self.position.average_start = self.position.update
        self.position.worse = 0

    def weights(self) -> dict[str, Any]:
        """The weights to use, averaged where the plan says so, as NumPy arrays."""
        backup = self._use_average()
        arrays = self.network.to_arrays()
        self._restore(backup)
        return arrays

    def groups(self) -> dict[str, dict[str, Tensor]]:
        """All tensors that a checkpoint holds."""
        return {
            "weights": dict(self.network.named_parameters()),
            "optimizer": optimizer_arrays(self.optimizers),
            "average": self.average,
            "state": {str(number): part for number, part in enumerate(self.state)},
        }

    def restore(self, position: Position, groups: dict[str, dict[str, Tensor]]) -> None:
        """Go back to where a checkpoint was written.

        Raises:
            FolderError: it does not fit this network and plan.
        """
        if not self._fits(position, groups):
            raise FolderError(
                "the checkpoint does not fit the plan of this training; remove the folder and train again"
            )
        self.position = position
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                parameter.copy_(groups["weights"][name])
        restore_optimizer(self.optimizers, groups.get("optimizer", {}))
        self.average = {name: mean.to(self.device) for name, mean in groups.get("average", {}).items()}
        state = groups["state"]
        self.state = tuple(state[str(number)].to(self.device) for number in range(len(state)))

    @property
    def valid_length(self) -> int:
        """Tokens of each row that are validated at a time: without gradients, longer chunks cost nothing."""
        return max(self.plan.bptt, 64)

    def _fits(self, position: Position, groups: dict[str, dict[str, Tensor]]) -> bool:
        shapes = {name: parameter.shape for name, parameter in self.network.named_parameters()}
        weights, average, state = (groups.get(name, {}) for name in ("weights", "average", "state"))
        fits = {name: tensor.shape for name, tensor in weights.items()} == shapes
        fits &= not average or {name: tensor.shape for name, tensor in average.items()} == shapes
        here = {str(number): part.shape for number, part in enumerate(self.state)}
        fits &= {name: tensor.shape for name, tensor in state.items()} == here
        fits &= fits_optimizer(self.optimizers, groups.get("optimizer", {}))
        fits &= all(tensor.dtype == torch.float32 for family in groups.values() for tensor in family.values())
        return fits and position.offset < self.streams.row_length and position.update <= self.plan.updates

    def _length(self) -> int:
        plan = self.plan
        if not plan.vary_bptt:
            return plan.bptt
        return varied_length(plan.bptt, seed=plan.seed, update=self.position.update)

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.plan.precision == "bf16" else nullcontext()

    def _add_to_average(self) -> None:
        self.position.averaged += 1
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                if name not in self.average:
                    self.average[name] = parameter.detach().clone()
                else:
                    self.average[name].lerp_(parameter, 1 / self.position.averaged)

    def _use_average(self) -> dict[str, Tensor]:
        backup: dict[str, Tensor] = {}
        with torch.no_grad():
            for name, mean in self.average.items():
                parameter = self.network.get_parameter(name)
                backup[name] = parameter.detach().clone()
                parameter.copy_(mean)
        return backup

    def _restore(self, backup: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, value in backup.items():
                self.network.get_parameter(name).copy_(value)

    def _blame(self, chunk: Chunk, what: str) -> TrainingError:
        position = self.position
        where = first_nonfinite(self.network, chunk, self.state)
        return TrainingError(
            f"the {what} is not finite at update {position.update + 1} (batch at epoch {position.epoch + 1}, token "
            f"{position.offset} of each row); first seen in {where}; try a lower --rate (now {self.plan.rate:g}) "
            f"or a smaller --clip (now {self.plan.clip:g})"
        )


def _clusters(run: Run, config: NeuralConfig) -> Clusters | None:
    """How the types are sorted: as in the weights to go on from, else by the counts of the training text."""
    vocab = run.tokenizer.size
    if config.softmax == "full":
        return None
    weights = run.start
    if run.resume:
        weights = model_folder.read_arrays(run.folder / "model.safetensors")
    if weights is not None:
        return read_layout(config, vocab, weights)
    return lay_out(config, vocab, count_types(run.train.ids, vocab))


def fit(run: Run) -> NeuralModel:
    """Train, validate, checkpoint; returns the model of the best validation.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was written.
        TrainingError: a loss or gradient that is not finite; the last checkpoint is kept.
    """
    training = Training(run)
    plan, inner = training.plan, run.folder / "training"
    if run.resume:
        training.restore(*read_checkpoint(inner))
        run.progress.say(f"resuming at update {training.position.update} of {plan.updates}")
    else:
        model_folder.write_weights(run.folder, training.weights())
        write_checkpoint(inner, training.position, training.groups())
    log, course = TrainingLog(run, training.position), _gradient_log(run, training)
    try:
        with StopRequest(run.progress) as stop:
            _loop(run, training, log, course, stop)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"stopped at once; go on from the last checkpoint with: elman train --out {run.folder} --resume"
        ) from error
    finally:
        log.close()
    position, memory = training.position, peak_memory()
    run.progress.say(
        f"trained {position.update} updates in {duration(position.seconds)}, best validation at update "
        f"{position.best_update}" + (f", at most {memory / 2**20:.0f} MB of memory" if memory else "")
    )
    arrays = model_folder.read_arrays(run.folder / "model.safetensors")
    return NeuralModel.from_arrays(arrays, run.tokenizer, run.config)  # type: ignore[arg-type]


def _gradient_log(run: Run, training: Training) -> GradientLog | None:
    if not run.xray:
        return None
    update, clip = training.position.update, training.plan.clip
    return GradientLog(run.folder / "training", run.valid.ids, update=update, clip=clip, progress=run.progress)


def _loop(run: Run, training: Training, log: TrainingLog, course: GradientLog | None, stop: StopRequest) -> None:
    plan, position, inner = training.plan, training.position, run.folder / "training"
    clock = saved = time.monotonic()

    def save() -> None:
        nonlocal clock, saved
        now = time.monotonic()
        position.seconds += now - clock
        clock = saved = now
        position.log_bytes = log.flush()
        write_checkpoint(inner, position, training.groups())

    def out_of_patience() -> bool:
        return 0 < plan.patience <= position.worse

    while position.update < plan.updates and not out_of_patience():
        try:
            done = training.update()
        except TrainingError as error:
            exploded = "" if course is None else course.explosion(training.network)
            raise TrainingError(f"{error}{exploded}; {_kept(run, position)}") from None
        log.update(position, done, seconds=position.seconds + time.monotonic() - clock)
        if position.update % plan.validate_every == 0 or position.update == plan.updates:
            nats = training.validate()
            if not math.isfinite(nats):
                raise TrainingError(
                    f"the validation loss is not finite after update {position.update}; try a lower --rate (now "
                    f"{plan.rate:g}) or a smaller --clip (now {plan.clip:g}); {_kept(run, position)}"
                )
            better = position.best is None or nats < position.best
            if better:
                position.best, position.best_update, position.worse = nats, position.update, 0
                model_folder.write_weights(run.folder, training.weights())
            else:
                position.worse += 1
            log.validation(position, nats, better=better, seconds=position.seconds + time.monotonic() - clock)
            if course is not None:
                course.note(training.network, position.update)
            if not position.average_start and 0 < plan.average_after <= position.worse:
                run.progress.say(f"averaging from here: {position.worse} validations in a row were no better")
                training.average_from_here()
            save()
            if out_of_patience():
                run.progress.say(f"stopping early: {position.worse} validations in a row were no better")
        elif time.monotonic() - saved > run.checkpoint_every:
            save()
        if stop.wanted and position.update < plan.updates:
            save()
            raise Interrupted(
                f"stopped at update {position.update} of {plan.updates}; nothing is lost, go on with: "
                f"elman train --out {run.folder} --resume"
            )


def _kept(run: Run, position: Position) -> str:
    if position.best is None:
        return f"nothing usable was trained yet: remove {run.folder} and train again"
    return f"the model of update {position.best_update}, the best so far, is kept in {run.folder}"
