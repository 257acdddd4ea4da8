"""Parameters of a wrong type or size, with their name in the message."""

import numpy as np
import pytest

from l2c_jax.estimators.parameters import check_count


@pytest.mark.parametrize("value", [2.5, "3", "auto", [3], float("nan"), True, np.True_, None])
def test_what_is_no_whole_number(value):
    with pytest.raises(TypeError, match="n_clusters must be a whole number of at least 1"):
        check_count("n_clusters", value)


@pytest.mark.parametrize("value", [0, -1, np.int64(0)])
def test_what_is_too_small(value):
    with pytest.raises(ValueError, match="n_clusters must be a whole number of at least 1"):
        check_count("n_clusters", value)


def test_what_is_allowed():
    for value in (1, np.int64(3), np.uint8(2)):
        check_count("n_clusters", value)
    check_count("n_clusters", None, optional=True)
