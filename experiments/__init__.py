"""The experiments: every table and figure of both papers, and measurements of the library's own.

``python -m experiments`` runs all of them; each also runs by itself, such as
``python -m experiments.meta_clustering.table1 --smoke``. What they share is in
:mod:`experiments.lib`; records, figures and the page made from them are in ``results/``.
"""
