"""Every experiment, one after another, and the page of their results.

    python -m experiments                      # those without a record in --out
    python -m experiments --out again          # all of them, with the weights that are there
    python -m experiments --out new --retrain  # all of them, trainings too: a day
    python -m experiments --smoke              # that everything runs: minutes
    python -m experiments table1 axioms        # these alone
    python -m experiments --render             # only the page, from the records in --out

A run that was stopped goes on with the same command: experiments that have a record are left
alone, trainings and long evaluations resume from ``runs/``. An experiment that fails, because its
data are missing for example, does not keep the others from running. The page, ``RESULTS.md``, is
rendered after the last one.
"""

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from experiments.lib import page
from experiments.lib.records import read_records
from experiments.lib.registry import MODULES
from experiments.lib.runner import OUT_HELP, default_out


def is_done(name: str, out: Path, *, smoke: bool, seed: int) -> bool:
    """Whether an experiment has its record.

    Args:
      name: of the experiment.
      out: folder of records.
      smoke: whether a record of a smoke run is wanted, or one of a real run.
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
    """Run a program to its end; a signal to stop is passed on to it, so that it can save.

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
      arguments: instead of those of the command line.

    Raises:
      SystemExit: if a signal asked to stop, or an experiment failed.
    """
    parser = argparse.ArgumentParser(
        prog="python -m experiments", description=(__doc__ or "").split("\n")[0]
    )
    every = list(MODULES)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}")
    parser.add_argument("--smoke", action="store_true", help="small and quick, measures nothing")
    parser.add_argument("--seed", type=int, default=0, help="of every experiment")
    parser.add_argument("--out", type=Path, help=OUT_HELP)
    parser.add_argument("--retrain", action="store_true", help="train anew")
    parser.add_argument("--render", action="store_true", help="run nothing, only render the page")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in every]
    if unknown:
        parser.error(f"no such experiment: {', '.join(unknown)}; there are {', '.join(every)}")

    out = options.out or default_out(options.smoke)
    shared = ["--seed", str(options.seed), "--out", str(out)]
    shared += [f"--{flag}" for flag in ("smoke", "retrain") if getattr(options, flag)]
    failed = []
    with tqdm([] if options.render else options.names or every, desc="experiments") as bar:
        for name in bar:
            bar.set_postfix_str(name)
            if is_done(name, out, smoke=options.smoke, seed=options.seed):
                tqdm.write(f"{name}: has its record")
            elif run([sys.executable, "-m", MODULES[name], *shared]):
                failed.append(name)
    out.mkdir(parents=True, exist_ok=True)
    print(page.write(out))
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}; the same command tries again")


if __name__ == "__main__":
    main()
