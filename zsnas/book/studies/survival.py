"""What becomes of a proxy's correlation when only the best networks are kept."""

from __future__ import annotations

from itertools import combinations, islice

import numpy as np
import pandas as pd

from zsnas import statistics
from zsnas.book import materials
from zsnas.book.studies.boards import TOP
from zsnas.scores.table import scores as published_scores

BENCHMARKS = {
    "nb201/cifar100": "NAS-Bench-201, CIFAR-100",
    "nb201/imagenet16-120": "NAS-Bench-201, ImageNet16-120",
    "nats-sss/cifar100": "NATS sizes, CIFAR-100",
    "nats-sss/imagenet16-120": "NATS sizes, ImageNet16-120",
    "transnas-micro/segmentsemantic": "TransNAS, segmentation",
    "transnas-micro/normal": "TransNAS, normals",
    "transnas-micro/autoencoder": "TransNAS, autoencoding",
}
"""Those whose top 5 % is scored completely."""

PROXIES = (
    *("params", "flops", "grad_norm", "snip", "grasp"),
    *("synflow", "jacob_cov", "zen_score", "logdet", "naswot", "swap", "zico"),
)
RATIOS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1, 0.05)


def curves(most: int | None = None) -> dict[str, pd.DataFrame]:
    """Correlate the proxies of every benchmark that this machine has, by the share of networks kept.

    Parameters
    ----------
    most : int, optional
        So many benchmarks; by default all.

    Returns
    -------
    dict of DataFrame
        Of :func:`zsnas.statistics.ratio_correlations` without intervals, by what a page calls the benchmark.
    """
    found = {}
    for name, words in islice(BENCHMARKS.items(), most):
        bench = materials.known(name)
        if bench is None:
            continue
        scores = published_scores(name)
        scores = scores[scores["seed"] == 0]
        known = [proxy for proxy in PROXIES if proxy in scores and scores[proxy].notna().any()]
        found[words] = statistics.ratio_correlations(bench, scores, RATIOS, known, resamples=0)
    return found


def survival(found: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Set Kendall's τ over the top beside that over all: one row a proxy and benchmark.

    Returns
    -------
    DataFrame
        ``benchmark``, ``proxy``, ``all``, ``top``, the part of τ that is ``kept``, and ``n`` of the top.
    """
    rows = []
    for words, table in found.items():
        kendall = table[table["statistic"] == "KT"].set_index(["proxy", "ratio"])
        for proxy in table["proxy"].unique():
            every, top = kendall.loc[(proxy, 1.0)], kendall.loc[(proxy, TOP)]
            rows.append(
                {
                    "benchmark": words,
                    "proxy": proxy,
                    "all": every["value"],
                    "top": top["value"],
                    "kept": top["value"] / every["value"],
                    "n": int(top["n"]),
                }
            )
    return pd.DataFrame(rows)


def same_order(table: pd.DataFrame) -> float:
    """Return how often the better of two proxies over all is the better one at the top, a part of all pairs.

    Parameters
    ----------
    table : DataFrame
        Of :func:`survival`.
    """
    agree = [
        (part["all"][a] - part["all"][b]) * (part["top"][a] - part["top"][b]) > 0
        for _, part in table.groupby("benchmark")
        for a, b in combinations(part.index, 2)
    ]
    return float(np.mean(agree))
