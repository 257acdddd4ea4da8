"""The command line ``l2c``: a thin layer over the library's own configurations."""

import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro

from l2c_jax.cli.cluster import Cluster
from l2c_jax.cli.evaluate import Evaluate
from l2c_jax.cli.info import Demo, Info
from l2c_jax.cli.train import Train
from l2c_jax.training import runtime
from l2c_jax.training.loop import DivergedError

Command = (
    Annotated[Cluster, tyro.conf.subcommand("cluster")]
    | Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Info, tyro.conf.subcommand("info")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of ``l2c`` and ``python -m l2c_jax``.

    Args:
      arguments: instead of the command line's.

    Raises:
      SystemExit: always; 0 done, 2 bad input, 1 training diverged, 130 interrupted.
    """
    runtime.start()
    try:
        command = tyro.cli(
            Command,
            args=arguments,
            prog="l2c",
            description="Cluster tables with a pretrained learner, and train learners.",
        )
        code = command.run()
        if arguments is None:  # the answer is complete: a late Ctrl-C finds nothing to stop
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(code)
    except BrokenPipeError:  # the reader of our output has read enough
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        _fail("interrupted; no file is half written", 130)
    except DivergedError as error:
        _fail(error, 1)
    except (ValueError, OSError) as error:  # every refusal of the library is a ValueError
        _fail(error, 2)
    except RuntimeError as error:  # such as processes that do not find each other
        _fail(error, 1)
    except ImportError as error:
        _fail(f"{error}; install l2c_jax[plot] for pictures", 2)
    except MemoryError:
        _fail("not enough memory", 2)


def _fail(error: BaseException | str, code: int) -> None:
    print(f"l2c: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(code)
