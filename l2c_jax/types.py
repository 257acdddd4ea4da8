"""Array aliases, and the letters every docstring uses for shapes.

=====  ==========================================
``B``  tasks (data sets) in a batch
``N``  points in a task, padding included
``D``  dimensions of a point
``K``  clusters: the width of the learner's output
``H``  hidden units of a recurrent layer
``E``  epochs: passes over the data
``M``  orders: members of the ensemble
``V``  views: preprocessings of one data set
=====  ==========================================
"""

from typing import Any, TypeAlias

import jax
import numpy as np

Array: TypeAlias = jax.Array
"""A JAX array; its shape is written beside it, as in ``[N, D]``."""

Key: TypeAlias = jax.Array
"""A typed PRNG key made by ``jax.random.key``. Functions consume the keys they take."""

ArrayLike: TypeAlias = jax.Array | np.ndarray
"""What array arguments accept."""

PyTree: TypeAlias = Any
"""A tree of arrays."""
