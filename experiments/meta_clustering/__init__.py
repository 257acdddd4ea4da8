"""Jiang & Verma 2019, *Meta-Learning to Cluster*: its synthetic tasks, real data, and axioms."""
