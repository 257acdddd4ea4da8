"""The outer loop of a long training: progress, log, checkpoints, signals.

An iteration is a function given by the caller; both learners train in this loop.
"""

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from l2c_jax.atomic import replacing
from l2c_jax.training.checkpoints import Checkpoints
from l2c_jax.training.distributed import any_process, first_does, is_first
from l2c_jax.training.host import host_call
from l2c_jax.training.weights import nonfinite_leaves
from l2c_jax.types import PyTree


class DivergedError(RuntimeError):
    """The loss or a parameter is no longer a finite number."""


class RunExistsError(ValueError):
    """The folder holds a run that was not asked to be resumed, or one of another configuration."""


@dataclass(frozen=True)
class LoopConfig:
    """Lengths of a run."""

    iterations: int
    """How many in all."""
    log_every: int
    """Iterations per call of ``advance``."""
    checkpoint_every: int
    """Iterations between checkpoints; rounded up to whole calls."""
    points_per_iteration: int
    """Points that one iteration processes, for the speed in the log."""


@dataclass(frozen=True)
class RunOptions:
    """Where a run is kept and how it is reported; nothing here changes what it computes."""

    folder: str | Path | None = None
    """Of ``run.json``, ``log.jsonl`` and ``checkpoints/``; ``None`` writes nothing."""
    run_config: Mapping[str, Any] = field(default_factory=dict)
    """The configuration that ``run.json`` records and a resumed run must match."""
    resume: bool = False
    """Continue from the newest checkpoint in the folder, if there is one."""
    progress: bool = True
    """Show a progress bar on standard error."""
    on_log: Callable[[dict[str, Any]], None] | None = None
    """Called with every logged record, in process 0."""


class RunResult(NamedTuple):
    """The end of a run."""

    state: PyTree
    iterations: int  # done; fewer than configured if a signal stopped the run
    seconds: float  # spent in ``advance``, summed over the sessions of the run


Advance = Callable[[PyTree, int], tuple[PyTree, Mapping[str, Any]]]
"""``advance(state, length)`` makes ``length`` iterations; its second result is what to log,
numbers or lists of numbers, among them ``"loss"``."""


class _RunFiles(NamedTuple):
    """The files of a run; all None without a folder."""

    checkpoints: Checkpoints | None = None
    log: Path | None = None  # only in process 0

    def restore(self, state: PyTree) -> RunResult:
        """The newest good checkpoint with its log, or the given state at iteration 0."""
        found = None if self.checkpoints is None else self.checkpoints.restore_latest(state)
        done, state = found or (0, state)
        return RunResult(state, done, 0.0 if self.log is None else _trim_log(self.log, done))

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a line of the log."""
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(json.dumps(record) + "\n")


@host_call()
def run(
    prepare: Callable[[], Advance],
    state: PyTree,
    config: LoopConfig,
    options: RunOptions | None = None,
) -> RunResult:
    """Iterate to the end, or until SIGINT or SIGTERM.

    A run that was stopped or killed and then resumed ends with the same bits as one that was not.
    Of several processes (:mod:`l2c_jax.training.distributed`) the first writes the log and the
    progress bar; all of them need access to the folder, for the checkpoints.

    Args:
      prepare: called after the folder was checked; returns ``advance``. Compile there, and the
        logged times exclude compilation. ``advance`` may donate the state that it is given.
      state: at iteration 0.
      config: lengths.
      options: folder, configuration to record, progress; default: :class:`RunOptions`.

    Returns:
      State, iterations done, seconds.

    Raises:
      DivergedError: if the loss or a parameter is not finite; the last checkpoint is kept.
      RunExistsError: if the folder holds a run and ``resume`` is off, or one that was begun with
        another ``run_config``.
      CheckpointError: if all checkpoints are damaged, or the newest good one is of another state;
        a damaged one that is newer is reported on standard error, and not used.

    Example:
      >>> advance = lambda state, length: (state + length, {"loss": 1.0})
      >>> run(lambda: advance, 0, LoopConfig(10, 4, 10, 1), RunOptions(progress=False)).state
      10
    """
    from tqdm import tqdm

    options = options or RunOptions()
    with _open_files(options) as files:
        start = files.restore(state)
        advance = prepare()
        shown = options.progress and is_first()
        bar = tqdm(total=config.iterations, initial=start.iterations, disable=not shown, unit="it")

        def report(record: dict[str, Any]) -> None:
            files.append(record)
            if options.on_log is not None and is_first():
                options.on_log(record)
            names = [n for n in ("loss", "error", "points_per_second") if n in record]
            bar.set_postfix({name: f"{record[name]:.3g}" for name in names}, refresh=False)
            bar.update(record["iteration"] - bar.n)

        with _stop_signals() as stop, bar:
            return _iterate(advance, start, config, files.checkpoints, stop, report)


def _iterate(
    advance: Advance,
    start: RunResult,
    config: LoopConfig,
    checkpoints: Checkpoints | None,
    stop: threading.Event,
    report: Callable[[dict[str, Any]], None],
) -> RunResult:
    """Call ``advance`` until the end or a signal; report and save between the calls."""
    state, done, seconds = start
    saved, last = done, done >= config.iterations
    while not last:
        length = min(config.log_every, config.iterations - done)
        begin = time.perf_counter()
        state, info = advance(state, length)
        elapsed = time.perf_counter() - begin
        last = done + length == config.iterations or any_process(stop.is_set())
        due = checkpoints is not None and done + length - saved >= config.checkpoint_every
        # the last update of a call can make parameters non-finite while its losses are finite
        spoiled = nonfinite_leaves(state) if last or due else []
        if spoiled or not math.isfinite(info["loss"]):
            kept = f"the last good checkpoint is that of iteration {saved}" if saved else ""
            raise DivergedError(
                f"the loss is {info['loss']} within iterations {done + 1} to {done + length}"
                f"{', and parameters are not finite' if spoiled else ''}; "
                f"{kept or 'there is no checkpoint'}. A smaller learning rate or clip may help."
            )
        done, seconds = done + length, seconds + elapsed
        report(
            {
                "iteration": done,
                **info,
                "seconds": round(elapsed, 4),
                "points_per_second": round(config.points_per_iteration * length / elapsed),
            }
        )
        if checkpoints is not None and (due or last):
            checkpoints.save(done, state)
            saved = done
    return RunResult(state, done, seconds)


@contextmanager
def _open_files(options: RunOptions) -> Iterator[_RunFiles]:
    """The files of a run, after its folder was made or found to match the options."""
    if options.folder is None:
        yield _RunFiles()
        return
    folder = Path(options.folder)
    first_does(partial(_check_folder, folder, options.run_config, options.resume))
    checkpoints = Checkpoints(folder / "checkpoints")
    try:
        yield _RunFiles(checkpoints, folder / "log.jsonl" if is_first() else None)
    finally:
        checkpoints.close()


def _check_folder(folder: Path, run_config: Mapping[str, Any], resume: bool) -> None:
    """Make the folder of a run, or check that the run in it has the same configuration."""
    written, text = folder / "run.json", json.dumps(run_config, indent=2, sort_keys=True)
    if not written.exists() and not (folder / "checkpoints").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(written) as draft:
            draft.write_text(text + "\n")
        return
    if not resume:
        raise RunExistsError(f"{folder} holds a run already; resume it, or choose another folder")
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


def _trim_log(log: Path, step: int) -> float:
    """Remove lines after a checkpoint's iteration; returns the seconds of the remaining lines."""
    seconds = 0.0
    if log.exists():
        lines = []
        for line in log.read_text().splitlines():
            try:
                record = json.loads(line)
                if record["iteration"] <= step:
                    lines.append(line + "\n")
                    seconds += record["seconds"]
            except (json.JSONDecodeError, KeyError):
                break  # the process was killed while it wrote this line
        with replacing(log) as draft:
            draft.write_text("".join(lines))
    return seconds


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets instead of ending the process.

    The second one has the effect that it had before: by default it ends the process at once, and
    a resumed run goes on from the last checkpoint.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def first(*_: object) -> None:
        stop.set()
        for number, handler in before.items():
            signal.signal(number, handler)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, first)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
