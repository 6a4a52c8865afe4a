import numpy as np
import pytest

from zsnas import statistics


def drawn(noise, architectures=2000, runs=3):
    generator = np.random.default_rng(0)
    truth = generator.standard_normal(architectures)
    return truth, truth[:, None] + noise * generator.standard_normal((architectures, runs))


# Normal truth and normal noise of the same size: the mean of three runs has the correlation √(1/(1 + 1/3)) =
# √.75 with it, two runs 1/2 with each other; Kendall's τ is 2/π times their arcsines: 2/3 and 1/3.
def test_the_ceiling_of_normal_truth_and_noise():
    _, runs = drawn(noise=1)
    found = statistics.noise_ceiling(runs)
    assert found.loc["all", "KT"] == pytest.approx(2 / 3, abs=0.02)
    assert found.loc["all", "between_runs"] == pytest.approx(1 / 3, abs=0.02)
    assert found.loc["all", "between_simulated_runs"] == pytest.approx(1 / 3, abs=0.02)


# The truth itself is the best score; over the top it is compared where the noisy means are highest.
def test_the_ceiling_at_the_top_is_what_the_truth_reaches_there():
    truth, runs = drawn(noise=0.5, architectures=20_000)
    best = np.argsort(-runs.mean(axis=1))[:1000]
    reached = statistics.kendall(truth[best], runs.mean(axis=1)[best])
    found = statistics.noise_ceiling(runs, top=0.05)
    assert found.loc["top", "KT"] == pytest.approx(reached, abs=0.04)
    assert found.loc["top", "KT"] < found.loc["all", "KT"] - 0.2


def test_without_noise_the_ceiling_is_one():
    _, runs = drawn(noise=0)
    assert statistics.noise_ceiling(runs).loc["all", ["KT", "SPR"]].tolist() == pytest.approx(
        [1, 1], abs=0.01
    )


def test_the_seed_draws_the_simulation():
    _, runs = drawn(noise=1, architectures=50)
    first, again, other = (statistics.noise_ceiling(runs, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


@pytest.mark.parametrize("runs", [[1.0, 2.0], [[1.0], [2.0]], [[1.0, np.nan]]])
def test_fewer_than_two_runs_are_refused(runs):
    with pytest.raises(ValueError, match="give finite accuracies of at least two runs"):
        statistics.noise_ceiling(runs)
