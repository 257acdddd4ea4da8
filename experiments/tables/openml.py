"""The labelled tables of Tables 3 and 4 from OpenML, into a folder that the experiments read.

    python -m experiments.tables.openml --data tables         # lists, fetches, writes; needs the
    network L2C_DATA=tables python -m experiments.tables.table3

Tables of earlier runs are not fetched again. Writes ``tabular.npz`` (of a table NAME its points
``NAME/X`` in float32 with NaN where missing and categories numbered, its classes ``NAME/y``, and
which columns are categories, ``NAME/cat``) and ``tabular_index.json``.
"""

import argparse
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import fetch_openml
from tqdm import tqdm

API = "https://www.openml.org/api/v1/json"
PAGE = 1000
"""Data sets a request."""
MOST_PER_CLASS = 2000
"""Most rows of a class; of more, a uniform sample."""
NO_RESULTS = 412
"""HTTP status by which OpenML says that a list is empty."""


class Listed(NamedTuple):
    """A data set as OpenML lists it."""

    number: int  # OpenML's own
    name: str
    qualities: Mapping[str, float]


class Fetched(NamedTuple):
    """A data set as numbers."""

    points: np.ndarray  # [N, D] float64, NaN where missing
    labels: np.ndarray  # [N] int
    categorical: np.ndarray  # [D] bool
    classes: list[str]
    features: list[str]


class UnusableError(ValueError):
    """A data set that is no labelled table."""


def get_json(url: str) -> dict[str, Any] | None:
    """What a URL answers; None if OpenML says that there is no result."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == NO_RESULTS:
                return None
            raise


def listed(num_clusters: int, most_columns: int) -> Iterator[Listed]:
    """The active data sets of so many classes and at most so many columns.

    Args:
      num_clusters: classes.
      most_columns: columns, the target not among them.

    Yields:
      Dense data sets, one of each name: the one of the lowest number.
    """
    # OpenML counts the target among the features
    query = f"number_classes/{num_clusters}/number_features/2..{most_columns + 1}/status/active"
    names, offset = set(), 0
    while page := get_json(f"{API}/data/list/{query}/limit/{PAGE}/offset/{offset}"):
        entries = page["data"]["dataset"]
        for entry in sorted(entries, key=lambda entry: int(entry["did"])):
            sparse = entry.get("format", "ARFF").lower() == "sparse_arff"
            if not sparse and entry["name"] not in names:
                names.add(entry["name"])
                qualities = {q["name"]: float(q["value"]) for q in entry.get("quality", [])}
                yield Listed(int(entry["did"]), entry["name"], qualities)
        if len(entries) < PAGE:
            return
        offset += PAGE


def fetch(number: int, cache: Path) -> Fetched:
    """Fetch a data set; rows without a class are left out, categories are numbered.

    Args:
      number: OpenML's.
      cache: folder in which scikit-learn keeps what it downloads, in ``openml/``.

    Returns:
      The table.

    Raises:
      UnusableError: if it has no single target, or no other column.
      ValueError: from scikit-learn, if a column is text or the file is damaged.
    """
    # the target as one of the columns: scikit-learn refuses targets with missing values
    data = fetch_openml(
        data_id=number,
        target_column=None,
        as_frame=False,
        parser="liac-arff",
        data_home=str(cache),
    )
    target, features = data.details.get("default_target_attribute"), list(data.feature_names)
    if target not in features:
        raise UnusableError(f"its target {target!r} is none of its columns")
    if len(features) < 2 or hasattr(data.data, "tocsr"):
        raise UnusableError("it is sparse, or has no column but its target")
    table, place = np.asarray(data.data, np.float64), features.index(target)
    known = ~np.isnan(table[:, place])
    values, labels = np.unique(table[known, place], return_inverse=True)
    names = data.categories.get(target)
    features.pop(place)
    points = np.delete(table[known], place, axis=1)
    return Fetched(
        np.where(np.isinf(points), np.nan, points),
        labels,
        np.array([feature in data.categories for feature in features]),
        [str(names[int(value)] if names else value) for value in values],
        features,
    )


def thinned(table: Fetched, seed: int = 0) -> Fetched:
    """At most :data:`MOST_PER_CLASS` rows of a class, in their order."""
    rng = np.random.default_rng(seed)
    chosen = [
        rng.permutation(np.flatnonzero(table.labels == c))[:MOST_PER_CLASS]
        for c in range(len(table.classes))
    ]
    rows = np.sort(np.concatenate(chosen))
    return table._replace(points=table.points[rows], labels=table.labels[rows])


def entry_of(key: str, number: int, full: int, table: Fetched) -> dict[str, Any]:
    """What the index says of a table."""
    return {
        "key": key,
        "source": f"openml:{number}",
        "n_full": full,
        "n": len(table.labels),
        "d": table.points.shape[1],
        "n_categorical": int(table.categorical.sum()),
        "k": len(table.classes),
        "class_counts": np.bincount(table.labels, minlength=len(table.classes)).tolist(),
        "missing": int(np.isnan(table.points).sum()),
        "classes": table.classes,
        "features": table.features,
    }


def collect(
    folder: Path, num_clusters: Sequence[int], most_columns: int, least_rows: int, most: int | None
) -> list[dict[str, Any]]:
    """List, fetch and write.

    Args:
      folder: where to.
      num_clusters: numbers of classes.
      most_columns: of a table.
      least_rows: of a table.
      most: tables of each number of classes; None: all.

    Returns:
      The index that was written.
    """
    index: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    for k in num_clusters:
        found = [
            one
            for one in listed(k, most_columns)
            if one.qualities.get("NumberOfInstances", least_rows) >= least_rows
        ][:most]
        for one in tqdm(found, desc=f"{k} classes"):
            try:
                whole = fetch(one.number, folder)
            except (OSError, ValueError) as error:
                tqdm.write(f"{one.name} ({one.number}) is left out: {error}")
                continue
            table = thinned(whole)
            key = one.name.replace("/", "-")
            if f"{key}/X" in arrays:
                key = f"{key}_{one.number}"
            if len(table.labels) < least_rows or len(table.classes) < 2:
                continue
            arrays[f"{key}/X"] = table.points.astype(np.float32)
            arrays[f"{key}/y"] = table.labels.astype(np.int32)
            arrays[f"{key}/cat"] = table.categorical
            index.append(entry_of(key, one.number, len(whole.labels), table))
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "tabular.npz", **arrays)
    (folder / "tabular_index.json").write_text(json.dumps(index, indent=1) + "\n")
    return index


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.tables.openml", description=(__doc__ or "").split("\n")[0]
    )
    default = os.environ.get("L2C_DATA")
    parser.add_argument(
        "--data", type=Path, default=default, required=default is None, help="folder to write"
    )
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 3, 4, 5, 6])
    parser.add_argument("--most-columns", type=int, default=40)
    parser.add_argument("--least-rows", type=int, default=40)
    parser.add_argument("--most", type=int, help="tables of each number of classes, for a trial")
    chosen = parser.parse_args(arguments)
    index = collect(
        chosen.data, chosen.classes, chosen.most_columns, chosen.least_rows, chosen.most
    )
    print(f"{len(index)} tables in {chosen.data}")


if __name__ == "__main__":
    main()
