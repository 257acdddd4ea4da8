"""From a fitted model and the rows that it labelled to a page."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from l2c_jax.preprocessing.encoder import sample_rows
from l2c_jax.preprocessing.principal import apply_preprocessing
from l2c_jax.report.cells import cell_text, far_columns, key_columns
from l2c_jax.report.evidence import BETWEEN, Evidence, RowMark
from l2c_jax.report.page import ClusterSection, ListedRow, Page, Sample, Table
from l2c_jax.report.pictures import SHOWN, Bar, Picture, bars, scatter
from l2c_jax.report.sentences import date, number, percent, profile_sentences
from l2c_jax.tabular.fitted_model import FittedModel
from l2c_jax.tabular.outliers import DESCRIBED_ROWS, medoids, outlier_scores
from l2c_jax.tabular.profile import ClusterProfile, cluster_profiles
from l2c_jax.tabular.views import VIEWS, apply_view
from l2c_jax.training.provenance import versions

TYPICAL, ROLES = 3, 400
_AXES = {
    "principal": ("Principal axes", ("first principal axis", "second principal axis")),
    "ranks": ("Ranks of the columns", ("first principal axis", "second principal axis")),
    "paths": ("Path distances", ("first coordinate", "second coordinate")),
    "diffusion": ("Random walk on the neighbors", ("first coordinate", "second coordinate")),
}


def make_page(
    model: FittedModel, table: Table, sample: Sample, evidence: Evidence, command: str = ""
) -> Page:
    """Put the page together.

    Args:
      model: fitted.
      table: to which it adapted.
      sample: of its rows.
      evidence: of all of its rows.
      command: that computes the clusters again.

    Returns:
      The page, for :func:`l2c_jax.report.render.render_page`.
    """
    labels = sample.probabilities.argmax(axis=1)
    scores = outlier_scores(evidence.around, sample.points, labels)
    profiles = [
        replace(
            profile,
            confidence=float(evidence.confidence[c] / max(evidence.sizes[c], 1)),
            outliers=int(evidence.outliers[c]),
        )
        for c, profile in enumerate(
            cluster_profiles(
                *(model.encoder.columns, sample.cells, sample.probabilities, scores),
                evidence.sizes,
            )
        )
        if evidence.sizes[c]
    ]
    keys = key_columns(model, profiles)
    pictures, pictured = _pictures(model, sample, scores)
    return Page(
        title=table.title,
        rows=table.rows,
        sampled=len(sample.rows),
        columns=len(table.names),
        used_columns=len(model.encoder.columns),
        clusters=_clusters(model, table, sample, evidence, profiles),
        summary=_summary(model, profiles),
        number_bars=_number_bars(model),
        pictures=pictures,
        pictured=pictured,
        key_columns=[table.names[index] for index in keys],
        nowhere_count=evidence.nowhere_count,
        nowhere=_listed(model, table, sample, evidence.nowhere(), keys, evidence, reasons=True),
        between_count=evidence.between_count,
        between=_listed(model, table, sample, evidence.between(), keys, evidence, reasons=False),
        notes=list(table.notes),
        roles=[
            (r.name or "(no name)", r.kind, r.used, _why(model, r)) for r in model.roles[:ROLES]
        ],
        more_roles=max(0, len(model.roles) - ROLES),
        how=_how(model, table),
        command=command,
    )


def _summary(model: FittedModel, profiles: Sequence[ClusterProfile]) -> list[str]:
    """How many clusters, and how sure."""
    found, fitted, lines = len(profiles), model.fitted, []
    probabilities = fitted.count_probabilities
    asked = model.how.get("parameters", {}).get("n_clusters")
    if asked is not None:
        less = f", of which {found} have rows" if found < asked else ""
        lines.append(f"The number of clusters was given: {asked}{less}.")
    elif probabilities is not None:
        order = np.argsort(-probabilities, kind="stable")
        first, second = (int(k) for k in order[:2])
        lines.append(
            f"The most probable number of clusters is {first + 1} "
            f"({percent(float(probabilities[first]))}), then {second + 1} "
            f"({percent(float(probabilities[second]))})."
        )
        if probabilities[first] < 0.5:
            lines.append("No number has half of the probability: the table leaves it open.")
    if fitted.expected_index is not None:
        lines.append(
            "Expected agreement with the true classes, where there are such: adjusted Rand index "
            f"{fitted.expected_index:.2f} (0: as by chance, 1: equal)."
        )
    return lines


def _number_bars(model: FittedModel) -> tuple[Bar, ...]:
    probabilities = model.fitted.count_probabilities
    return () if probabilities is None else bars(np.asarray(probabilities, np.float64))


def _pictures(model: FittedModel, sample: Sample, scores: np.ndarray) -> tuple[list[Picture], int]:
    chosen = sample_rows(len(sample.rows), SHOWN, seed=0)
    probabilities = sample.probabilities[chosen]
    ordered = np.sort(probabilities, axis=1)
    second = ordered[:, -2] if ordered.shape[1] > 1 else np.zeros(len(chosen))
    marks = [
        "nowhere" if score > 1 else "between" if next_ >= BETWEEN * first else ""
        for score, next_, first in zip(scores[chosen], second, ordered[:, -1], strict=True)
    ]
    fitted, points = model.fitted, sample.points[chosen]
    if fitted.views is None:
        coordinates = {"principal": _principal(model, points)}
    else:
        coordinates = {
            view: apply_view(fitted.views, view, points, max(3, len(fitted.clusters)))
            for view in VIEWS
        }
    pictures = [
        scatter(*_title(view), _two(found), probabilities, marks, selected=view == fitted.view)
        for view, found in coordinates.items()
    ]
    return sorted(pictures, key=lambda picture: not picture.selected), len(chosen)


def _title(view: str) -> tuple[str, tuple[str, str]]:
    """Title and names of the axes of a view."""
    return _AXES.get(view, (view.capitalize(), ("first coordinate", "second coordinate")))


def _principal(model: FittedModel, points: np.ndarray) -> np.ndarray:
    return apply_preprocessing(model.fitted.preprocessing, points)


def _two(points: np.ndarray) -> np.ndarray:
    """``[n, 2]``, the first two coordinates, or one and zeros."""
    found = np.zeros((len(points), 2))
    found[:, : min(2, points.shape[1])] = points[:, :2]
    return found


def _clusters(
    model: FittedModel,
    table: Table,
    sample: Sample,
    evidence: Evidence,
    profiles: Sequence[ClusterProfile],
) -> list[ClusterSection]:
    few = sample_rows(len(sample.rows), DESCRIBED_ROWS, seed=0)
    labels = sample.probabilities[few].argmax(axis=1)
    k = sample.probabilities.shape[1]
    central = medoids(evidence.around, sample.points[few], labels, k)
    sections = []
    for profile in profiles:
        keys = key_columns(model, [profile])
        places = few[central[profile.cluster][:TYPICAL]]
        typical = [
            (
                int(sample.rows[place]) + 1,
                [cell_text(model, sample.cells, key, place) for key in keys],
            )
            for place in places
        ]
        sections.append(
            ClusterSection(
                profile,
                profile_sentences(profile),
                [_difference_row(one) for one in profile.differences],
                typical,
                [table.names[key] for key in keys],
            )
        )
    return sections


def _difference_row(one: Any) -> tuple[str, str, str, str, str]:
    what = {"level": f"{one.column} is {one.level}", "missing": f"{one.column} is missing"}
    ways: dict[str, Callable[[float], str]] = {"number": number, "date": date}
    show = ways.get(one.aspect, percent)
    outside = "" if np.isnan(one.outside) else show(one.outside)
    return (
        what.get(one.aspect, one.column),
        show(one.inside),
        outside,
        f"{one.difference:.2f}" if outside else "",
        "" if one.lift is None else f"{one.lift:.2f}",
    )


def _listed(
    model: FittedModel,
    table: Table,
    sample: Sample,
    marks: Sequence[RowMark],
    keys: Sequence[int],
    evidence: Evidence,
    *,
    reasons: bool,
) -> list[ListedRow]:
    if not marks:
        return []
    wanted = np.array(sorted(mark.row for mark in marks))
    cells = table.take(wanted)
    found, usual = [], (sample.cells, sample.points)
    for mark in marks:
        place = int(np.searchsorted(wanted, mark.row))
        why = far_columns(model, evidence.around, usual, cells, place) if reasons else []
        found.append(
            ListedRow(
                mark.row + 1,
                [(c, percent(p)) for c, p in zip(mark.clusters, mark.probabilities, strict=True)],
                f"{mark.score:,.1f}",
                [cell_text(model, cells, key, place) for key in keys],
                why,
            )
        )
    return found


def _why(model: FittedModel, role: Any) -> str:
    why = [role.why] if role.why else []
    for column in model.encoder.columns:
        if column.missing and model.roles[column.index] is role:
            fill = column.fill if isinstance(column.fill, str) else number(column.fill)
            more = ", with an indicator" if column.has_indicator else ""
            why.append(f"{percent(float(column.missing))} missing, filled by {fill}{more}")
    return "; ".join(why)


def _how(model: FittedModel, table: Table) -> list[tuple[str, str]]:
    how, parameters = model.how, model.how.get("parameters", {})
    view = _title(model.fitted.view)[0].lower()
    pairs = [
        (
            "weights",
            f"{parameters.get('weights', '')}, content hash {how.get('weights_hash', '')}",
        ),
        ("view that was chosen", view),
        ("random state", parameters.get("random_state")),
        ("orders and epochs", f"{parameters.get('n_orders')} and {parameters.get('n_epochs')}"),
        ("rows and columns", f"{table.rows:,} and {len(table.names):,}"),
        ("versions", ", ".join(f"{name} {v}" for name, v in versions().items())),
    ]
    return [(name, str(value)) for name, value in pairs if value is not None]
