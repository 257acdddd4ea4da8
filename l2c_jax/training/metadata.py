"""What a weight file says about the training that made it."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TrainingMetadata:
    """The entries that every kind of weights has. What is unknown is ``None`` or empty.

    A kind of weights adds fields of its own, and takes ``__hash__`` from here: mappings have none,
    and metadata are static in a pytree.
    """

    iterations: int = 0
    """Optimizer steps that were made."""
    minutes: float = 0.0
    """How long they took."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """Commit and device."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of the packages."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else the file's header has, such as a model card."""

    def __hash__(self) -> int:
        return hash(json.dumps(dataclasses.asdict(self), sort_keys=True, default=str))

    def to_json(self) -> dict[str, Any]:
        """The entries of a header; ``extra`` at the top, what is unknown left out."""
        fields = dataclasses.asdict(self)
        extra = fields.pop("extra")
        return {**extra, **{k: v for k, v in fields.items() if v not in (None, {})}}

    @classmethod
    def fields_of(cls, header: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of this class among the entries of a header; unknown ones in ``extra``."""
        known = {f.name for f in dataclasses.fields(cls)} - {"extra"}
        fields = {name: header[name] for name in known if name in header}
        return {**fields, "extra": {k: v for k, v in header.items() if k not in known}}
