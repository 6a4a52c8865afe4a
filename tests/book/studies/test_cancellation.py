"""What is left of a layer's sum, for weights and gradients that are written down."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from zsnas.book.studies import cancellation


class Toy(nn.Module):
    """A convolution that a batch norm follows, one on a shortcut, and a classifier."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 2, 1, bias=False)
        self.shortcut = nn.Conv2d(1, 1, 1, bias=False)
        self.last = nn.Linear(2, 1, bias=False)


def test_sums_with_and_without_signs():
    model = Toy()
    values = {"first": [3.0, -2.0], "shortcut": [4.0], "last": [5.0, 6.0]}
    weights = [getattr(model, name).weight for name in values]
    with torch.no_grad():
        for weight, numbers in zip(weights, values.values(), strict=True):
            weight.copy_(torch.tensor(numbers).reshape(weight.shape))
    gradients = SimpleNamespace(weights=[torch.ones_like(weight) for weight in weights])

    table = cancellation.layers(SimpleNamespace(model=model, weights=weights, gradients=gradients))

    assert table["left"].to_dict() == {"first.weight": 1.0, "shortcut.weight": 4.0, "last.weight": 11.0}
    assert table["absolute"].to_dict() == {"first.weight": 5.0, "shortcut.weight": 4.0, "last.weight": 11.0}
    assert table["normalised"].to_list() == [True, False, False]


def test_deviations_are_relative_to_double_precision(monkeypatch):
    scored = {None: {"snip": 1.01}, "float64": {"snip": 1.0}}
    monkeypatch.setattr(cancellation.zsnas.proxies, "score", lambda *_args, dtype: scored[dtype])

    table = cancellation.deviations({"toy": nn.Identity()}, None, ["snip"], 0)

    assert table.loc["SNIP", "toy"] == pytest.approx(0.01)


def test_small_numbers():
    assert cancellation.scientific(8.64e-7) == "8.6e−07"
    assert cancellation.scientific(0.0) == "0"
