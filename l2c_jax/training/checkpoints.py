"""Checkpoints of a running training, through Orbax: the only module that knows it."""

from pathlib import Path

import jax
import numpy as np

from l2c_jax.training.weights import leaf_names
from l2c_jax.types import PyTree


class Checkpoints:
    """The last checkpoints of one run, in one folder.

    Args:
      folder: where they lie; made if missing.
      keep: how many of the latest to keep.
    """

    def __init__(self, folder: str | Path, keep: int = 2) -> None:
        import orbax.checkpoint as ocp  # seconds to import, so only where a run is kept

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
        """Write a checkpoint and wait until it is complete; one that exists is left alone."""
        if step != self.latest():
            self._manager.save(step, args=self._ocp.args.StandardSave(state))
            self._manager.wait_until_finished()

    def restore(self, step: int, like: PyTree) -> PyTree:
        """Read a checkpoint, bit for bit.

        Args:
          step: which one.
          like: a state of the same structure, for shapes and types.

        Returns:
          The state.

        Raises:
          ValueError: if the checkpoint has another structure or other shapes.
        """
        like = jax.tree.map(np.asarray, like)
        saved, expected = _shapes(self._manager.item_metadata(step)), _shapes(like)
        if saved != expected:
            differ = sorted(dict(saved.items() ^ expected.items()))
            raise ValueError(
                f"checkpoint {step} holds another state than expected: "
                + "; ".join(
                    f"{name} is {saved.get(name, 'missing')}, "
                    f"expected {expected.get(name, 'no such array')}"
                    for name in differ
                )
            )
        restored = self._manager.restore(step, args=self._ocp.args.StandardRestore(like))
        return jax.tree.map(jax.numpy.asarray, restored)

    def close(self) -> None:
        """Wait for what is being written and let go of the folder."""
        self._manager.close()


def _shapes(tree: PyTree) -> dict[str, str]:
    """Type and shape of every leaf, by name; containers are Orbax's or ours."""
    leaves = zip(leaf_names(tree), jax.tree.leaves(tree), strict=True)
    return {name: f"{np.dtype(leaf.dtype)}{list(leaf.shape)}" for name, leaf in leaves}
