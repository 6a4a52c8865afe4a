"""Latency of networks: measured on this machine, and predicted from few measurements."""

from zsnas.hardware._predictor import NotFittedError, Predictor
from zsnas.hardware.kernels import KernelModel
from zsnas.hardware.measure import Latency, latencies, measure, measure_all

__all__ = [
    "KernelModel",
    "Latency",
    "NotFittedError",
    "Predictor",
    "latencies",
    "measure",
    "measure_all",
]
