"""How points reach a learner: fitted once, applied by a pure function."""
