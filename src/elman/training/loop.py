"""The training loop, of every task: updates, validation, checkpoints, early stop, resuming.

With a plan, a run is deterministic: stopping it anywhere and resuming gives bit for bit the weights
of an uninterrupted run on the same machine with the same versions, thread count and precision.
"""

import math
import time

from elman.errors import Interrupted, TrainingError
from elman.progress import duration
from elman.storage import folder as model_folder
from elman.system.machine import peak_memory
from elman.training.checkpoint import Position, read_checkpoint, write_checkpoint
from elman.training.interrupt import StopRequest
from elman.training.processes import LostProcess
from elman.training.run import Run
from elman.training.training import Training
from elman.training.training_log import TrainingLog


def fit(run: Run) -> None:
    """Train; the folder then holds the weights of the best validation.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was written.
        TrainingError: a loss or gradient that is not finite; the last checkpoint is kept.
    """
    training = Training(run.objective, run.plan, run.processes)
    inner = run.folder / "training"
    if run.resume:
        training.restore(*read_checkpoint(inner))
        run.progress.say(f"resuming at update {training.position.update} of {run.plan.updates}")
    else:
        model_folder.write_weights(run.folder, training.weights())
        write_checkpoint(inner, training.position, training.groups())
    log = TrainingLog(run, training.position)
    if run.processes.count > 1 and not training.divides:
        run.progress.say(
            f"note: the examples of this training depend on each other, so that all {run.processes.count} processes "
            "train on all of them: the result is that of one, and comes no sooner"
        )
    if run.observer is not None:
        run.observer.begin(training.position.update)
    try:
        with StopRequest(run.progress) as stop:
            _loop(run, training, log, stop)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"stopped at once; resume from the last checkpoint with: elman train --out {run.folder} --resume"
        ) from error
    finally:
        log.close()
    position, memory = training.position, peak_memory()
    together = run.processes.describe(position.update)
    run.progress.say(
        f"trained {position.update} updates{together} in {duration(position.seconds)}, best validation at update "
        f"{position.best_update}" + (f", at most {memory / 2**20:.0f} MB of memory" if memory else "")
    )


def _loop(run: Run, training: Training, log: TrainingLog, stop: StopRequest) -> None:
    plan, position, inner, observer = training.plan, training.position, run.folder / "training", run.observer
    clock = saved = time.monotonic()

    def save() -> None:
        nonlocal clock, saved
        now = time.monotonic()
        position.seconds += now - clock
        clock = saved = now
        position.log_bytes, position.log_crc = log.flush()
        write_checkpoint(inner, position, training.groups())

    def out_of_patience() -> bool:
        return 0 < plan.patience <= position.worse

    while position.update < plan.updates and not out_of_patience():
        try:
            done = training.update()
        except LostProcess:
            raise
        except TrainingError as error:
            exploded = "" if observer is None else observer.explosion(training.network)
            raise TrainingError(f"{error}{exploded}; {_kept(run, position)}") from None
        log.update(position, done, seconds=position.seconds + time.monotonic() - clock)
        if position.update % plan.validate_every == 0 or position.update == plan.updates:
            figure = training.validate()
            if not math.isfinite(figure):
                raise TrainingError(
                    f"the validation loss is not finite after update {position.update}; try a lower --rate (now "
                    f"{plan.rate:g}) or a smaller --clip (now {plan.clip:g}); {_kept(run, position)}"
                )
            better = training.is_better(figure)
            if better:
                position.best, position.best_update, position.worse = figure, position.update, 0
                model_folder.write_weights(run.folder, training.weights())
            else:
                position.worse += 1
            log.validation(position, figure, better=better, seconds=position.seconds + time.monotonic() - clock)
            if observer is not None:
                observer.note(training.network, position.update)
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
                f"stopped at update {position.update} of {plan.updates}; nothing is lost; resume with: "
                f"elman train --out {run.folder} --resume"
            )


def _kept(run: Run, position: Position) -> str:
    if position.best is None:
        return f"nothing usable was trained yet: remove {run.folder} and train again"
    return f"the model of update {position.best_update}, the best so far, is kept in {run.folder}"
