"""The outer loop of a long training: progress, log, checkpoints, signals, a clean end.

Both wings train through it; what an iteration is, it does not know.
"""

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from l2c_jax.training.checkpoints import Checkpoints
from l2c_jax.training.distributed import any_process, first_does, is_first
from l2c_jax.types import PyTree


class DivergedError(RuntimeError):
    """The loss is no longer a finite number."""


class RunExistsError(ValueError):
    """The folder holds another run, or one that was not asked to be resumed."""


@dataclass(frozen=True)
class LoopConfig:
    """What the outer loop needs to know of a run."""

    iterations: int
    """How many in all."""
    log_every: int
    """Iterations per call of ``advance``."""
    checkpoint_every: int
    """Iterations between checkpoints; rounded up to whole calls."""
    points_per_iteration: int
    """Points read in one iteration, for the speed in the log."""


Advance = Callable[[PyTree, int], tuple[PyTree, Mapping[str, Any]]]
"""``advance(state, length)`` makes ``length`` iterations; its second result is what to log,
numbers or lists of numbers, among them ``"loss"``."""


@contextmanager
def _polite_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, instead of ending the process where it stands."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {
        number: signal.signal(number, lambda *_: asked.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_finite(state: PyTree) -> bool:
    """Whether no floating-point number of a state is NaN or infinite."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
    return all(np.isfinite(leaf).all() for leaf in leaves if leaf.dtype.kind == "f")


def _open_run(folder: Path, story: Mapping[str, Any], resume: bool) -> None:
    """Make the run's folder, or check that the one there tells the same story."""
    written, text = folder / "run.json", json.dumps(story, indent=2, sort_keys=True)
    if written.exists() or (folder / "checkpoints").exists():
        if not resume:
            raise RunExistsError(
                f"{folder} holds a run already; resume it, or choose another folder"
            )
        try:
            begun_with = json.loads(written.read_text())
        except (OSError, json.JSONDecodeError) as error:
            raise RunExistsError(
                f"{written} cannot be read, so the run there cannot be resumed"
            ) from error
        if begun_with != json.loads(text):
            raise RunExistsError(
                f"{folder} was begun with another configuration ({written} has it); "
                "a run can only be resumed with its own"
            )
    else:
        folder.mkdir(parents=True, exist_ok=True)
        draft = written.with_suffix(".part")
        draft.write_text(text + "\n")
        draft.replace(written)


def _trim_log(log: Path, step: int) -> float:
    """Drop what was logged after the checkpoint that a run goes on from; seconds that remain."""
    seconds = 0.0
    if log.exists():
        kept = []
        for line in log.read_text().splitlines():
            try:
                record = json.loads(line)
                if record["iteration"] <= step:
                    kept.append(line + "\n")
                    seconds += record["seconds"]
            except (json.JSONDecodeError, KeyError):
                break  # the process died while it wrote this line
        log.write_text("".join(kept))
    return seconds


def run(
    prepare: Callable[[], Advance],
    state: PyTree,
    config: LoopConfig,
    *,
    folder: str | Path | None = None,
    story: Mapping[str, Any] | None = None,
    resume: bool = False,
    progress: bool = True,
    on_log: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[PyTree, int, float]:
    """Iterate to the end, or until SIGINT or SIGTERM asks to stop.

    A run that is stopped, or killed, and resumed ends with the same bits as one that was not.
    Of several processes (:mod:`l2c_jax.training.distributed`) the first keeps log and progress bar; all need
    the folder, for the checkpoints.

    Args:
      prepare: called once the folder has been found right; returns ``advance``, compiled if that
        takes long, so that no logged time has the compiler's in it. ``advance`` may reuse the
        memory of the state it is given.
      state: where to start.
      config: lengths.
      folder: where ``run.json``, ``log.jsonl`` and ``checkpoints/`` go; ``None`` keeps nothing.
      story: the configuration that ``run.json`` records and a resumed run must match.
      resume: go on from the newest checkpoint in the folder, if there is one.
      progress: show a bar on standard error.
      on_log: called with every logged record.

    Returns:
      The state; how many iterations are done, fewer than asked if a signal came; and the
      seconds that they took, over all the sessions of the run.

    Raises:
      DivergedError: if the loss is not finite; the last good checkpoint stays in place.
      RunExistsError: if the folder holds a run and ``resume`` is off, or one of another story.
    """
    done, spent, checkpoints, log = 0, 0.0, None, None
    if folder is not None:
        folder = Path(folder)
        first_does(partial(_open_run, folder, story or {}, resume))
        checkpoints = Checkpoints(folder / "checkpoints")
        latest = checkpoints.latest()
        if latest is not None:
            state, done = checkpoints.restore(latest, state), latest
        if is_first():
            log = folder / "log.jsonl"
            spent = _trim_log(log, done)
    advance = prepare()
    saved = done
    progress = progress and is_first()
    bar = tqdm(total=config.iterations, initial=done, disable=not progress, unit="it")
    try:
        with _polite_signals() as asked, bar:
            while done < config.iterations:
                length = min(config.log_every, config.iterations - done)
                start = time.perf_counter()
                state, info = advance(state, length)
                seconds = time.perf_counter() - start
                last = done + length == config.iterations or any_process(asked.is_set())
                due = checkpoints is not None and done + length - saved >= config.checkpoint_every
                # the last gradient of a call can spoil the state without a trace in its losses
                sound = not (last or due) or _is_finite(state)
                if not (math.isfinite(info["loss"]) and sound):
                    raise DivergedError(
                        f"the loss is {info['loss']} within iterations {done + 1} to "
                        f"{done + length}{'' if sound else ', and parameters are not finite'}; "
                        f"the last good checkpoint is that of iteration {saved}. "
                        "A smaller learning rate or clip may help."
                    )
                done, spent = done + length, spent + seconds
                record = {
                    "iteration": done,
                    **info,
                    "seconds": round(seconds, 4),
                    "points_per_second": round(config.points_per_iteration * length / seconds),
                }
                if log is not None:
                    with log.open("a") as file:
                        file.write(json.dumps(record) + "\n")
                if on_log is not None and is_first():
                    on_log(record)
                bar.set_postfix(
                    {
                        name: f"{record[name]:.3g}"
                        for name in ("loss", "error", "points_per_second")
                        if name in record
                    },
                    refresh=False,
                )
                bar.update(length)
                if checkpoints and (due or last):
                    checkpoints.save(done, state)
                    saved = done
                if last:
                    break
    finally:
        if checkpoints:
            checkpoints.close()
    return state, done, spent


@dataclass(frozen=True)
class RunOptions:
    """o"""

    folder: str | Path | None = None
    resume: bool = False
    progress: bool = True
    on_log: Callable[[dict[str, Any]], None] | None = None
