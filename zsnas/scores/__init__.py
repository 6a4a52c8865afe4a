"""Scores of whole benchmarks: a sweep computes them, a store keeps them, a table publishes them.

``zsnas.scores("nb201/cifar100")`` reads what is published, see `zsnas.scores.table`.
"""

from zsnas.scores.table import publish, published_path, read, scores, undefined

__all__ = ["publish", "published_path", "read", "scores", "undefined"]
