"""Every predictor refuses what it cannot learn from, in a sentence that says what to do."""

import numpy as np
import pytest

from zsnas.hardware import NotFittedError, Predictor


class Mean(Predictor):
    """Predicts the mean of what it has learned."""

    def _fit(self, _, latency):
        self.mean = latency.mean()

    def _predict(self, architectures):
        return np.full(len(architectures), self.mean)

    def _adapt(self, _, latency):
        self.mean = latency.mean()


@pytest.mark.parametrize("action", [lambda p: p.predict(["a"]), lambda p: p.adapt(["a"], [1.0])])
def test_a_predictor_asked_before_fit_says_so(action):
    with pytest.raises(NotFittedError, match=r"this Mean cannot .*call fit\(architectures, latency\) first"):
        action(Mean())


def test_a_refused_fit_does_not_count():
    predictor = Mean()
    with pytest.raises(ValueError, match="leave them out"):
        predictor.fit(["a"], [float("nan")])

    with pytest.raises(NotFittedError):
        predictor.predict(["a"])


def test_adapting_leaves_the_first_device_alone():
    first = Mean().fit(["a", "b"], [1, 3])

    second = first.adapt(["a"], [10])

    assert first.predict(["c"]) == [2]
    assert second.predict(["c"]) == [10]


@pytest.mark.parametrize("latency", [float("nan"), float("inf"), -1, 0])
def test_a_missing_latency_is_named(latency):
    with pytest.raises(ValueError, match=r"1 of 2 architectures .* the first 'b'.*leave them out"):
        Mean().fit(["a", "b"], [1, latency])


@pytest.mark.parametrize(("architectures", "latency"), [(["a"], [1, 2]), ([], []), (["a"], 1.0)])
def test_lengths_have_to_fit(architectures, latency):
    with pytest.raises(ValueError, match="one latency for each"):
        Mean().fit(architectures, latency)


def test_adapting_is_to_one_device():
    with pytest.raises(ValueError, match="give those of one device"):
        Mean().fit(["a"], [1]).adapt(["a", "b"], [[1, 2], [3, 4]])


def test_predicting_nothing_is_nothing():
    assert Mean().fit(["a"], [1]).predict([]).shape == (0,)
