"""``python -m l2c_jax`` is ``l2c``."""

from l2c_jax.cli import main

if __name__ == "__main__":
    main()
