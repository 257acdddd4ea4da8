"""Points in a plane, for pictures."""

import numpy as np
from sklearn.manifold import TSNE


def embed(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """Coordinates in which near points have similar features (t-SNE).

    Args:
      features: ``[N, F]``.
      seed: of the optimization.

    Returns:
      ``[N, 2]`` float64; distances between far points mean little. Of fewer than 4 points, their
      numbers and zeros.

    Example:
      >>> embed(np.eye(3)).tolist()
      [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]
    """
    if len(features) < 4 or np.ptp(features, axis=0).max() == 0:
        return np.stack([np.arange(len(features)), np.zeros(len(features))], axis=1)
    start = "pca" if min(features.shape) >= 2 else "random"
    model = TSNE(
        perplexity=min(20.0, (len(features) - 1) / 3), init=start, random_state=seed, n_jobs=1
    )
    return np.asarray(model.fit_transform(features.astype(np.float32)), np.float64)
