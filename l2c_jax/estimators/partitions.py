"""Parts of a table, labelled by workers with a model from a file."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from l2c_jax.estimators.meta_clusterer import MetaClusterer


def predict_partition(part: Any, path: str | Path) -> Any:
    """Label a part of a table, as Dask's ``map_partitions`` and Spark's pandas UDFs hand it over.

    The model is read once in each process, and again when the file changed.

    Args:
      part: a pandas data frame ``[n, D]`` with the columns of the fitted table; n may be 0.
      path: of a model from :meth:`MetaClusterer.save` or ``l2c cluster --save``.

    Returns:
      A pandas series ``[n]`` int64 named ``cluster``, with the index of the part.

    Raises:
      WeightsError: if the file is missing, damaged, or no fitted model.
      ValueError: if the columns are others.

    Example:
      >>> import tempfile
      >>> from sklearn.datasets import load_iris
      >>> X = load_iris(as_frame=True).data
      >>> path = Path(tempfile.mkdtemp()) / "iris.safetensors"
      >>> clusterer = MetaClusterer(3, random_state=0).fit(X)
      >>> clusterer.save(path)
      >>> bool((predict_partition(X[100:], path) == clusterer.labels_[100:]).all())
      True
    """
    import pandas

    file = Path(path)
    state = file.stat() if file.is_file() else None
    model = _load(str(path), None if state is None else (state.st_mtime_ns, state.st_size))
    labels: Any = model.predict(part) if len(part) else []
    return pandas.Series(labels, index=part.index, name="cluster", dtype="int64")


@lru_cache(maxsize=4)
def _load(path: str, state: tuple[int, ...] | None) -> MetaClusterer:
    return MetaClusterer.load(path)
