"""Random numbers in bulk: the right distributions, independent, the same for the same key."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from l2c_jax.tasks.numbers import Numbers, with_numbers


def test_numbers_have_their_distributions():
    drawn = with_numbers(
        jax.random.key(0),
        lambda n: {
            "uniform": n.uniform((4000,), -2.0, 1.0),
            "normal": n.normal((4000,)),
            "integer": n.integer(3, 8, (4000,)),
            "coin": n.bernoulli(0.3, (4000,)),
            "categorical": n.categorical(jnp.array([1.0, 0.0, 3.0]), (4000,)),
        },
    )
    found = jax.tree.map(np.asarray, drawn)
    assert stats.kstest(found["uniform"], stats.uniform(-2, 3).cdf).pvalue > 0.01
    assert stats.kstest(found["normal"], stats.norm.cdf).pvalue > 0.01
    assert sorted(set(found["integer"].tolist())) == [3, 4, 5, 6, 7]
    assert abs(found["coin"].mean() - 0.3) < 0.03
    shares = np.bincount(found["categorical"], minlength=3) / 4000
    np.testing.assert_allclose(shares, [0.25, 0, 0.75], atol=0.03)
    assert abs(np.corrcoef(found["uniform"], found["normal"])[0, 1]) < 0.05


def test_the_logarithm_is_uniform():
    def one(key):
        return with_numbers(key, lambda n: n.log_uniform(0.1, 100.0))

    found = np.log10(jax.vmap(one)(jax.random.split(jax.random.key(0), 2000)))
    assert stats.kstest(found, stats.uniform(-1, 3).cdf).pvalue > 0.01


def test_all_numbers_come_from_one_call_of_the_generator():
    program = jax.make_jaxpr(
        lambda key: with_numbers(key, lambda n: n.normal((3,)) + n.uniform((3,)) + n.uniform())
    )(jax.random.key(0))
    assert str(program).count("random_bits") == 1


def test_alternatives_get_the_same_numbers_and_what_follows_gets_others():
    def draw(numbers: Numbers):
        one, two = numbers.alternatives(
            [lambda: numbers.uniform((2,)), lambda: numbers.uniform((3,))]
        )
        return one, two, numbers.uniform((1,))

    one, two, after = with_numbers(jax.random.key(0), draw)
    np.testing.assert_array_equal(one, two[:2])
    assert float(after[0]) not in np.asarray(two)


@pytest.mark.parametrize("shape", [(), (2,), (2, 3)])
def test_every_kind_has_the_shape_that_was_asked_for(shape):
    numbers = Numbers(None)
    found = [numbers.uniform(shape), numbers.normal(shape), numbers.integer(0, 4, shape)]
    found += [numbers.bernoulli(0.5, shape), numbers.categorical(jnp.ones(3), shape)]
    assert all(array.shape == shape for array in found)
    assert numbers.used == 5 * int(np.prod(shape))
