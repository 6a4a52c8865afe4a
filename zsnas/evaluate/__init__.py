"""A proxy of one's own beside the others: ``zsnas.evaluate("my_proxy.py")``, and its page."""

from zsnas.evaluate.run import BASELINES, DEFAULT, RESAMPLES, Evaluation, Plan, Result, evaluate

__all__ = ["BASELINES", "DEFAULT", "RESAMPLES", "Evaluation", "Plan", "Result", "evaluate"]
