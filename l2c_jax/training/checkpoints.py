"""Checkpoints of a running training, through Orbax; no other module imports Orbax."""

from pathlib import Path

import jax
import numpy as np

from l2c_jax.training.weights import leaf_names
from l2c_jax.types import PyTree


class CheckpointError(ValueError):
    """A checkpoint that cannot be restored; the message says why."""


class Checkpoints:
    """The latest checkpoints of one run, in one folder.

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
        self._manager = ocp.CheckpointManager(
            Path(folder).absolute(),
            options=ocp.CheckpointManagerOptions(max_to_keep=keep, create=True),
            item_handlers=ocp.StandardCheckpointHandler(),
        )

    def latest(self) -> int | None:
        """The step of the newest complete checkpoint, or None."""
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

    def restore(self, step: int, like: PyTree) -> PyTree:
        """Read a checkpoint, bit for bit.

        Args:
          step: its number.
          like: a state of the same structure, for shapes and types.

        Returns:
          The state, as JAX arrays.

        Raises:
          CheckpointError: if there is no such checkpoint, if it is damaged, or if its structure,
            shapes or types differ from those of ``like``.
        """
        like = jax.tree.map(np.asarray, like)
        expected = _shapes(like)
        try:
            saved = _shapes(self._manager.item_metadata(step))
            restored = None
            if saved == expected:
                restored = self._manager.restore(step, args=self._ocp.args.StandardRestore(like))
        except (OSError, ValueError) as error:
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

    def close(self) -> None:
        """Wait for pending writes and release the folder."""
        self._manager.close()


def _shapes(tree: PyTree) -> dict[str, str]:
    """Type and shape of every leaf by name, for arrays and for Orbax's metadata of arrays."""
    leaves = zip(leaf_names(tree), jax.tree.leaves(tree), strict=True)
    return {name: f"{np.dtype(leaf.dtype)}{list(leaf.shape)}" for name, leaf in leaves}
