"""Published scores come out again when they are recomputed."""

import math

import pytest
import torch

import zsnas
from zsnas.scores.store import Row
from zsnas.scores.sweep import Job, run_job
from zsnas.scores.table import undefined

BENCHMARK = "nb201/imagenet16-120"
EVERY = 500  # of the architectures that have the scores of all proxies: three of them

# Scores are computed in single precision. Those of proxies that differentiate a deep network or take the
# condition number of a matrix move with the order in which a processor adds up.
BY_ROUNDING = {
    "grasp": 0.1,
    **dict.fromkeys(["ntk_cond_printed", "ntk_cond_running"], 0.02),
    **dict.fromkeys(["grad_norm", "snip", "snip_printed", "snip_convolutions", "fisher", "zico"], 5e-3),
    **dict.fromkeys(["gradsign", "gradsign_mean"], 1e-3),
    "fisher_channels": 5e-3,
    "synflow": 3e-4,  # the part of the scores that is not computed again yet keeps batch norm's epsilon
    "epe_nas": 0.03,
    "epe_nas_sum": 0.01,
}


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the sweep
    yield
    torch.set_num_threads(before)


def recomputed(arch, batch_size, proxies):
    outcome = run_job(Job.of(zsnas.benchmark(BENCHMARK), Row(arch, 0, batch_size), proxies))
    return {score.proxy: score.value for score in outcome.scores}


@pytest.mark.mirror
@pytest.mark.usefixtures("one_thread")
def test_published_scores_are_recomputed():
    published = zsnas.scores(BENCHMARK).query("seed == 0").dropna(subset="gradsign").iloc[::EVERY]
    proxies = [name for name in zsnas.list_proxies() if name in published]
    compared = 0
    for row in published.itertuples():
        measured = [
            name for name in proxies if not math.isnan(getattr(row, name)) or name in undefined(row.reasons)
        ]
        for name, value in recomputed(row.arch, row.batch_size, measured).items():
            expected = pytest.approx(getattr(row, name), rel=BY_ROUNDING.get(name, 1e-4), nan_ok=True)
            assert value == expected, f"{name} of {row.arch}"
            compared += not math.isnan(value)
    assert compared >= 50
