"""The command line ``l2c``: a thin layer over the library's own configurations."""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Annotated

import tyro

from l2c_jax.cli.cluster import Cluster
from l2c_jax.cli.discover import Discover
from l2c_jax.cli.evaluate import Evaluate
from l2c_jax.cli.info import Demo, Info
from l2c_jax.cli.predict import Predict
from l2c_jax.cli.train import Train
from l2c_jax.training import runtime
from l2c_jax.training.loop import DivergedError

Command = (
    Annotated[Cluster, tyro.conf.subcommand("cluster")]
    | Annotated[Predict, tyro.conf.subcommand("predict")]
    | Annotated[Discover, tyro.conf.subcommand("discover")]
    | Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Info, tyro.conf.subcommand("info")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of ``l2c`` and ``python -m l2c_jax``.

    The first Ctrl-C ends a command in good order, the second one at once.

    Args:
      arguments: instead of the command line's. ``--debug`` among them shows the traceback of an
        error, which is one line without it.

    Raises:
      SystemExit: always; 0 done, 2 bad input, 1 what cannot be computed (a training that
        diverged, too little memory, no such device), 130 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    if arguments is None:
        _end_at_the_second_interrupt()
    try:
        runtime.start()
        code = _run([argument for argument in given if argument != "--debug"])
        if arguments is None:  # the answer is complete: a late Ctrl-C finds nothing to stop
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(code)
    except Exception as error:
        if debug and not isinstance(error, BrokenPipeError):
            traceback.print_exc()
        _end(error)
    except KeyboardInterrupt:
        if debug:
            traceback.print_exc()
        _fail("interrupted; no file is half written", 130)


def _run(arguments: Sequence[str]) -> int:
    """Parse a command and run it."""
    command = tyro.cli(
        Command,
        args=arguments,
        prog="l2c",
        description="Cluster tables with a pretrained learner, and train learners. "
        "With --debug, an error shows its traceback.",
    )
    return command.run()


def _end(error: Exception) -> None:
    """One line for whatever a person can cause; anything else is raised on."""
    try:
        raise error
    except BrokenPipeError:  # the reader of our output has read enough
        sys.stderr.close()
        sys.exit(0)
    except DivergedError:
        _fail(error, 1)
    except MemoryError:
        _fail(f"{str(error) or 'out of memory'}; a smaller table or batch needs less", 1)
    except (ValueError, OSError):  # every refusal of the library is a ValueError
        _fail(error, 2)
    except RuntimeError:  # such as processes that do not find each other
        _fail(error, 1)
    except ImportError:
        hint = "" if "pip install" in str(error) else "; install l2c_jax[plot] for pictures"
        _fail(f"{error}{hint}", 2)


def _fail(error: BaseException | str, code: int) -> None:
    print(f"l2c: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(code)


def _end_at_the_second_interrupt() -> None:
    """End the process at the second SIGINT or SIGTERM, whatever it is doing then.

    Python's own handlers wait until a computation or compilation of JAX returns; a thread that
    reads the signals from a pipe does not.
    """
    if os.name != "posix":
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def watch() -> None:
        seen = 0
        while seen < 2:
            seen += sum(byte in (signal.SIGINT, signal.SIGTERM) for byte in os.read(reader, 64))
        os.write(2, b"l2c: interrupted twice, ended at once; no file is half written\n")
        os._exit(130)

    threading.Thread(target=watch, name="interrupts", daemon=True).start()
