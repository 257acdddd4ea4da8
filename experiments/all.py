"""Every experiment, one after another, and the page of their results.

    python -m experiments.all                      # what has no record in --out yet
    python -m experiments.all --out again          # everything anew, with the shipped weights
    python -m experiments.all --out new --retrain  # everything anew, trainings too: a day
    python -m experiments.all --smoke              # that everything runs: minutes
    python -m experiments.all table1 axioms        # these alone

A run that was stopped goes on with the same command: experiments with a record are left alone,
trainings and long evaluations resume from ``runs/``. An experiment that fails, for want of its
data say, does not keep the others from running. The page, ``RESULTS.md``, is rendered after each.
"""

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from experiments import results
from experiments.harness import OUT_HELP, default_out
from l2c_jax.report import read_records


def is_done(name: str, out: Path, *, smoke: bool, seed: int) -> bool:
    """Whether an experiment has its record.

    Args:
      name: of the experiment.
      out: folder of records.
      smoke: whether a record of a smoke run is wanted, which is no record of a real one.
      seed: of the record that is wanted.

    Returns:
      Whether nothing is left to do.

    Example:
      >>> is_done("table1", Path("/nowhere"), smoke=False, seed=0)
      False
    """
    path = out / f"{name}.json"
    if not path.exists():
        return False
    first = read_records(path)[0]
    return bool(first.get("smoke", False)) == smoke and first["seed"] == seed


def run(command: Sequence[str]) -> int:
    """Run a program to its end; a signal to stop reaches it too, and it may save what it has.

    Args:
      command: the program and its arguments.

    Returns:
      Its exit status.

    Raises:
      SystemExit: if a signal asked to stop.
    """
    stopped = False
    child: subprocess.Popen[bytes] | None = None

    def stop(number: int, _: object) -> None:
        nonlocal stopped
        if child is not None and number == signal.SIGTERM:  # a terminal sends SIGINT to both
            child.terminate()
        stopped = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        child = subprocess.Popen(command)
        if stopped:
            child.terminate()
        status = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stopped:
        raise SystemExit("stopped; the same command goes on")
    return status


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Args:
      arguments: instead of the command line's.

    Raises:
      SystemExit: if a signal asked to stop, or an experiment failed.
    """
    parser = argparse.ArgumentParser(
        prog="python -m experiments.all", description=(__doc__ or "").split("\n")[0]
    )
    every = list(results.sections())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}")
    parser.add_argument("--smoke", action="store_true", help="small and quick, measures nothing")
    parser.add_argument("--seed", type=int, default=0, help="of every experiment")
    parser.add_argument("--out", type=Path, help=OUT_HELP)
    parser.add_argument("--retrain", action="store_true", help="train anew")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in every]
    if unknown:
        parser.error(f"no such experiment: {', '.join(unknown)}; there are {', '.join(every)}")

    out = options.out or default_out(options.smoke)
    shared = ["--seed", str(options.seed), "--out", str(out)]
    shared += [f"--{flag}" for flag in ("smoke", "retrain") if getattr(options, flag)]
    failed = []
    with tqdm(options.names or every, desc="experiments") as bar:
        for name in bar:
            bar.set_postfix_str(name)
            if is_done(name, out, smoke=options.smoke, seed=options.seed):
                tqdm.write(f"{name}: has its record")
            elif run([sys.executable, "-m", f"experiments.{name}", *shared]):
                failed.append(name)
    out.mkdir(parents=True, exist_ok=True)
    print(results.write(out))
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}; the same command tries again")


if __name__ == "__main__":
    main()
