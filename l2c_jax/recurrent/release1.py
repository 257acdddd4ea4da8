"""Names of release 1 in weight files, and what they are called now."""

from collections.abc import Mapping
from typing import Any

from l2c_jax.tasks.description import describe, from_description

_MODEL = {
    "memory": "architecture",
    "frame": "preprocessing",
    "given_clusters": "condition_on_num_clusters",
}
_TRAINING = {
    "passes": "epochs",
    "lam": "classification_weight",
    "neighbours": "num_neighbors",
    "labels": "label_assignment",
    "untold": "k_dropout",
    "turned": "random_rotation_prob",
    "recall": "frozen_loss_weight",
}
_VALUES = {
    "architecture": {"task": "stacked", "cluster": "slots"},
    "preprocessing": {"canonical": "principal", "winsorised": "clipped"},
    "label_assignment": {"sorted": "canonical", "matched": "hungarian"},
    "update": {"pass": "epoch"},
}
_HEAD = "count_hidden"  # was a part of the model; the head has a configuration of its own now
LEAVES = {
    "alike.linear": "linear_kernel",
    "alike.bent": "tanh_kernel",
    "alike.bent_bias": "tanh_bias",
    "alike.layer.input_kernel": "layer.input_kernel",
    "alike.layer.recurrent_kernel": "layer.recurrent_kernel",
    "alike.layer.bias": "layer.bias",
    "alike.start": "initial_cell",
    "alike.compare": "compare_kernel",
    "alike.compare_point": "compare_point_kernel",
    "alike.compare_mass": "compare_count_kernel",
    "alike.compare_bias": "compare_bias",
    "alike.score": "score_kernel",
    "alike.density": "density_weights",
    "alike.prior": "log_count_weight",
    "alike.first_mass": "log_prior_count",
    "alike.first_variance": "log_prior_variance",
    "alike.write": "write_kernel",
    "alike.write_bias": "write_bias",
    "head.hidden_kernel": "count_head.hidden_kernel",
    "head.hidden_bias": "count_head.hidden_bias",
    "head.output_kernel": "count_head.output_kernel",
    "head.output_bias": "count_head.output_bias",
}
"""Names of arrays, old to new."""


def is_release1(header: Mapping[str, Any]) -> bool:
    """Whether a header of recurrent weights was written by release 1."""
    return "model" in header and "config" not in header


def renamed_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """A header of release 1 in the present form.

    Args:
      header: of a weight file of kind "recurrent".

    Returns:
      ``config``, ``training``, ``tasks`` and ``count_head`` under their present names, the rest
      unchanged.

    Example:
      >>> renamed_header({"model": {"memory": "cluster", "count_hidden": 8}})
      {'config': {'architecture': 'slots'}, 'count_head': {'hidden': 8}}
    """
    old = dict(header)
    model = dict(old.pop("model") or {})
    head = model.pop(_HEAD, 0)
    new: dict[str, Any] = {"config": _renamed(model, _MODEL)}
    if old.get("training") is not None:
        new["training"] = _renamed(old.pop("training"), _TRAINING)
    if head:
        new["count_head"] = {"hidden": head, **_renamed(old.pop("count", {}), {})}
    distribution = from_description(old.get("tasks") or {})
    if distribution is not None:
        new["tasks"] = describe(distribution)
        old.pop("tasks")
    provenance = {name: old.pop(name) for name in ("commit", "device") if name in old}
    if provenance:
        new["provenance"] = provenance
    return {**new, **old}


def _renamed(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    new = {names.get(name, name): value for name, value in fields.items()}
    return {
        name: _VALUES.get(name, {}).get(value, value) if isinstance(value, str) else value
        for name, value in new.items()
    }
