"""How well proxy scores rank architectures: weighted rank correlations with intervals, top subsets, regret.

Every statistic is oriented by ``higher_is_better`` of the proxy, so that a positive correlation always means
that following the proxy leads to more accurate networks, and a negative one is shown as what it is. No
absolute value is taken anywhere.

Scores are usually those of a sample: some architectures at random and the complete top of the benchmark. Then
every architecture stands for ``stratum size / number scored in the stratum`` architectures, with two strata,
the top and the rest. These weights are applied per seed, and a pair of architectures counts with the product
of its weights, as if every row were repeated that many times.
"""

from zsnas.statistics._bootstrap import SAMPLED_TOP, percentile_interval
from zsnas.statistics._correlations import RATIOS, correlations, ratio_correlations
from zsnas.statistics._differences import agreement, differences, paired
from zsnas.statistics._first_place import best_by_proxy, regret
from zsnas.statistics._noise import noise_ceiling
from zsnas.statistics._partial import partial_spearman
from zsnas.statistics._rank_correlation import kendall, spearman
from zsnas.statistics._scores import check_scores, is_measured, orientation, proxy_columns, top_architectures

__all__ = [
    "RATIOS",
    "SAMPLED_TOP",
    "agreement",
    "best_by_proxy",
    "check_scores",
    "correlations",
    "differences",
    "is_measured",
    "kendall",
    "noise_ceiling",
    "orientation",
    "paired",
    "partial_spearman",
    "percentile_interval",
    "proxy_columns",
    "ratio_correlations",
    "regret",
    "spearman",
    "top_architectures",
]
