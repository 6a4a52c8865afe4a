"""What a latency predictor is: it learns the latency of some architectures and predicts that of others."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class NotFittedError(RuntimeError):
    """A predictor was asked before it had learned from measured latencies."""


class Predictor(ABC):
    """Predicts the latency of architectures of one search space on one device.

    A subclass writes how it learns (`_fit`), predicts (`_predict`) and moves to another device (`_adapt`);
    the checks are here.

    Parameters
    ----------
    seed : int
        Of everything that is drawn: first weights, order of the samples.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._is_fitted = False

    def fit(self, architectures: Sequence[str], latency: ArrayLike) -> Self:
        """Learn from measured latencies, forgetting what was learned before; return the predictor.

        Parameters
        ----------
        architectures : sequence of str
        latency : array_like, shape (n,) or (n, devices)
            In ms. Several devices are for predictors that learn over devices.

        Raises
        ------
        ValueError
            When the lengths differ, or when a latency is missing or not above zero.
        """
        names = list(architectures)
        self._fit(names, _checked(names, latency))
        self._is_fitted = True
        return self

    def predict(self, architectures: Sequence[str]) -> Floats:
        """Return the predicted latencies in ms, shape (n,).

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        self._check_fitted("predict")
        names = list(architectures)
        return self._predict(names) if names else np.empty(0)

    def adapt(self, architectures: Sequence[str], latency: ArrayLike) -> Self:
        """Return a predictor for another device, given a few of its latencies; this one stays as it is.

        Parameters
        ----------
        architectures : sequence of str
        latency : array_like, shape (n,)
            In ms, on the other device.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            As for `fit`.
        """
        self._check_fitted("adapt")
        names = list(architectures)
        latencies = _checked(names, latency)
        if latencies.ndim != 1:
            raise ValueError(
                f"the latencies to adapt to have shape {latencies.shape}; give those of one device, (n,)"
            )
        other = copy.deepcopy(self)
        other._adapt(names, latencies)  # noqa: SLF001 a copy of this very predictor
        return other

    @abstractmethod
    def _fit(self, architectures: list[str], latency: Floats) -> None: ...

    @abstractmethod
    def _predict(self, architectures: list[str]) -> Floats: ...

    @abstractmethod
    def _adapt(self, architectures: list[str], latency: Floats) -> None: ...

    def _check_fitted(self, action: str) -> None:
        if not self._is_fitted:
            name = type(self).__name__
            raise NotFittedError(
                f"this {name} cannot {action}: it has not learned from any latency yet; "
                "call fit(architectures, latency) first"
            )


def _checked(architectures: list[str], latency: ArrayLike) -> Floats:
    latencies = np.asarray(latency, dtype=np.float64)
    if latencies.ndim not in {1, 2} or len(latencies) != len(architectures) or not latencies.size:
        raise ValueError(
            f"{len(architectures)} architectures have latencies of shape {latencies.shape}; "
            "give at least one architecture, and one latency for each"
        )
    unusable = ~(np.isfinite(latencies) & (latencies > 0)).reshape(len(architectures), -1).all(axis=1)
    if unusable.any():
        first = int(np.flatnonzero(unusable)[0])
        raise ValueError(
            f"{unusable.sum()} of {len(architectures)} architectures have a latency that is missing or not "
            f"above zero, the first {architectures[first]!r}: {latencies[first]}; leave them out"
        )
    return latencies
