"""The figure of the kernel model on this processor: sums of kernels against measured networks.

The style is that of :mod:`zsnas.figures`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from zsnas.figures import INK, WIDTH, _styled

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["kernel_sums", "kernel_sums_alt"]


@_styled
def kernel_sums(table: pd.DataFrame, predicted: NDArray[np.float64]) -> Figure:
    """Draw measured latencies against the sums of the kernels; darker where the machine was slower.

    Parameters
    ----------
    table : DataFrame
        Of ``zsnas.hardware.latencies("nb201")``.
    predicted : array, shape (n,)
        In ms, for its architectures.
    """
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    axes = figure.subplots()
    points = axes.scatter(
        predicted, table["latency_ms"], c=table["reference_ms"], s=20, cmap="viridis_r", linewidth=0
    )
    end = 1.04 * max(predicted.max(), table["latency_ms"].max())
    axes.plot([0, end], [0, end], color=INK, linewidth=1, linestyle="--")
    axes.set(xlim=(0, end), ylim=(0, end), xlabel="Sum of the kernels (ms)", ylabel="Measured (ms)")
    axes.set_aspect("equal")
    figure.colorbar(points, label="Reference network in the same block (ms)")
    return figure


def kernel_sums_alt(table: pd.DataFrame, predicted: NDArray[np.float64]) -> str:
    """Say in words what :func:`kernel_sums` shows."""
    above = int((table["latency_ms"] > predicted).sum())
    slow = table["reference_ms"] > table["reference_ms"].median()
    ratio = table["latency_ms"] / predicted
    return (
        f"Scatter plot of {len(table)} networks: {above} of them lie above the diagonal, so that they take "
        f"longer than the sum of their kernels. The median factor is {ratio[~slow].median():.2f} where the "
        f"reference network was fast, and {ratio[slow].median():.2f} where it was slow."
    )
