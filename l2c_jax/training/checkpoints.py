"""Checkpoints of a running training, through Orbax; no other module imports Orbax."""

import hashlib
import json
import sys
from pathlib import Path

import jax
import numpy as np

from l2c_jax.atomic import replacing
from l2c_jax.training.distributed import any_process, first_does
from l2c_jax.training.weights import leaf_names
from l2c_jax.types import PyTree

HASHES = "sha256.json"
"""In the folder of every checkpoint: the SHA-256 of each of its other files."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be restored; the message says why."""


class DamagedError(CheckpointError):
    """A checkpoint that was changed after it was written."""


class Checkpoints:
    """The latest checkpoints of one run, in one folder.

    Of several processes (:mod:`l2c_jax.training.distributed`) all call the same methods in the
    same order.

    Args:
      folder: of the checkpoints; made if missing.
      keep: how many of the latest to keep.

    Example:
      >>> import tempfile
      >>> checkpoints = Checkpoints(tempfile.mkdtemp())
      >>> checkpoints.save(10, {"w": jax.numpy.ones(2)})
      >>> checkpoints.restore(checkpoints.latest(), {"w": jax.numpy.zeros(2)})["w"].tolist()
      [1.0, 1.0]
      >>> checkpoints.close()
    """

    def __init__(self, folder: str | Path, keep: int = 2) -> None:
        import orbax.checkpoint as ocp  # takes seconds to import

        self._ocp = ocp
        self._folder = Path(folder).absolute()
        self._manager = ocp.CheckpointManager(
            self._folder,
            options=ocp.CheckpointManagerOptions(max_to_keep=keep, create=True),
            item_handlers=ocp.StandardCheckpointHandler(),
        )

    def latest(self) -> int | None:
        """The step of the newest checkpoint, or None."""
        return self._manager.latest_step()

    def save(self, step: int, state: PyTree) -> None:
        """Write a checkpoint and wait until it is complete.

        Args:
          step: its number. The newest checkpoint is not written again.
          state: a tree of arrays.
        """
        if step != self.latest():
            self._manager.save(step, args=self._ocp.args.StandardSave(state))
            self._manager.wait_until_finished()
            first_does(lambda: _write_hashes(self._folder / str(step)))

    def restore(self, step: int, like: PyTree) -> PyTree:
        """Read a checkpoint, bit for bit.

        Args:
          step: its number.
          like: a state of the same structure, for shapes and types.

        Returns:
          The state, as JAX arrays.

        Raises:
          CheckpointError: if there is no such checkpoint, or if its structure, shapes or types
            differ from those of ``like``.
          DamagedError: if it is not what was written, in any bit of its files.
        """
        problem = self._problem(step)
        if problem is not None:
            raise problem
        like = jax.tree.map(np.asarray, like)
        expected = _shapes(like)
        try:
            saved = _shapes(self._manager.item_metadata(step))
            restored = None
            if saved == expected:
                restored = self._manager.restore(step, args=self._ocp.args.StandardRestore(like))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"checkpoint {step} cannot be read ({error})") from error
        if restored is None:
            differ = sorted(dict(saved.items() ^ expected.items()))
            raise CheckpointError(
                f"checkpoint {step} holds another state than expected: "
                + "; ".join(
                    f"{name} is {saved.get(name, 'missing')}, "
                    f"expected {expected.get(name, 'no such array')}"
                    for name in differ
                )
            )
        return jax.tree.map(jax.numpy.asarray, restored)

    def restore_latest(self, like: PyTree) -> tuple[int, PyTree] | None:
        """The newest checkpoint that is not damaged, with its step; None if there is none at all.

        A damaged one is reported on standard error. Its folder is renamed to ``STEP.damaged``, so
        that the run can write this step again.

        Args:
          like: a state of the same structure, for shapes and types.

        Returns:
          The step and the state, as :meth:`restore` has it.

        Raises:
          DamagedError: if all checkpoints are damaged; they stay as they are.
          CheckpointError: as of :meth:`restore`, if the newest one that is not damaged is of
            another state.
        """
        steps = sorted(self._manager.all_steps(), reverse=True)
        problems: dict[int, DamagedError] = {}
        for step in steps:
            problem = self._problem(step)
            if any_process(problem is not None):
                problems[step] = problem or DamagedError(f"checkpoint {step} is damaged")
                continue
            state = self.restore(step, like)
            self._set_aside(problems, step)
            return step, state
        if problems:
            raise DamagedError(
                "; ".join(map(str, problems.values()))
                + f"; no other checkpoint is left in {self._folder}"
            )
        return None

    def close(self) -> None:
        """Wait for pending writes and release the folder."""
        self._manager.close()

    def _problem(self, step: int) -> DamagedError | None:
        """What is wrong with the files of a checkpoint; nothing, if it has no list of hashes.

        Checkpoints of earlier versions have none, nor has one whose process was killed just after
        it was written.
        """
        folder = self._folder / str(step)
        if not (folder / HASHES).exists():
            return None
        try:
            written = json.loads((folder / HASHES).read_text())
            found = _hashes(folder)
        except (OSError, ValueError) as error:
            return DamagedError(f"checkpoint {step} cannot be read ({error})")
        if written == found:
            return None
        names = sorted(set(found) | set(written)) if isinstance(written, dict) else []
        changed = [name for name in names if written.get(name) != found.get(name)]
        return DamagedError(
            f"checkpoint {step} cannot be read (damaged: {', '.join(changed) or HASHES})"
        )

    def _set_aside(self, problems: dict[int, DamagedError], used: int) -> None:
        """Report damaged checkpoints and rename their folders, in process 0."""

        def rename() -> None:
            for step, problem in problems.items():
                print(f"{problem}; going on from checkpoint {used}", file=sys.stderr)
                number, place = 0, self._folder / f"{step}.damaged"
                while place.exists():
                    number += 1
                    place = self._folder / f"{step}.damaged{number}"
                (self._folder / str(step)).rename(place)

        if problems:
            first_does(rename)
            self._manager.reload()


def _write_hashes(folder: Path) -> None:
    """The list of hashes, for a checkpoint that was just written."""
    with replacing(folder / HASHES) as draft:
        draft.write_text(json.dumps(_hashes(folder), sort_keys=True))


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of all files in a folder, by their path in it, except for the list itself."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / HASHES
    }


def _shapes(tree: PyTree) -> dict[str, str]:
    """Type and shape of every leaf by name, for arrays and for Orbax's metadata of arrays."""
    leaves = zip(leaf_names(tree), jax.tree.leaves(tree), strict=True)
    return {name: f"{np.dtype(leaf.dtype)}{list(leaf.shape)}" for name, leaf in leaves}
