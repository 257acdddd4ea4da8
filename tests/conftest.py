"""Strict modes for every test: no silent broadcasting, no random key used twice."""

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)
jax.config.update("jax_disable_most_optimizations", True)  # programs here are small: compile fast
