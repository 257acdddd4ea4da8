"""What weight files of every kind say."""

from dataclasses import dataclass

from l2c_jax.training.metadata import TrainingMetadata


@dataclass(frozen=True)
class OfAKind(TrainingMetadata):
    name: str | None = None

    __hash__ = TrainingMetadata.__hash__


def test_a_header_gives_the_metadata_that_wrote_it():
    written = OfAKind(name="a", iterations=3, provenance={"commit": "x"}, extra={"card": [1]})
    header = written.to_json()
    assert header == {"name": "a", "iterations": 3, "provenance": {"commit": "x"}, "card": [1]} | {
        "minutes": 0.0
    }
    again = OfAKind(**OfAKind.fields_of(header))
    assert again == written
    assert hash(again) == hash(written)


def test_metadata_differ_by_the_fields_of_their_kind_too():
    assert OfAKind(name="a") != OfAKind(name="b")
    assert hash(OfAKind(name="a")) != hash(OfAKind(name="b"))
