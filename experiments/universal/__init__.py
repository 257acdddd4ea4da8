"""The packaged weights "universal": clustering of any table, without training on tables."""
