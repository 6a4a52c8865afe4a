"""Costs are ratios to a bare pass, with every proxy alone and all together."""

import copy

import pytest
import torch
from torch import nn

import zsnas
from zsnas import cost
from zsnas.batches import Batch


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


@pytest.fixture
def batch():
    images = torch.randn(4, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    return Batch(images, torch.tensor([0, 1, 0, 1]), 2, "noise")


@pytest.fixture
def clock(monkeypatch):
    """Let a bare pass take 2 s and the work 3, 4 and 8 s, in turns."""
    times = iter([2, 3, 2, 4, 2, 8] * 10)
    monkeypatch.setattr(cost, "_seconds", lambda work: (work(), next(times))[1])


@pytest.mark.usefixtures("clock")
def test_cost_is_the_median_of_the_ratios(network, batch):
    table = cost.costs(network, batch, ["params", "snip"], rounds=3).set_index("proxy")

    assert list(table.index) == ["params", "snip", cost.TOGETHER]
    assert table.loc["snip", ["cost", "low", "high", "seconds"]].to_list() == [2, 1.5, 4, 4]
    assert (table["rounds"] == 3).all()
    assert (table["batch_size"] == 4).all()
    assert (table["zsnas"] == zsnas.__version__).all()


def test_together_measures_every_proxy_in_one_call(network, batch, monkeypatch):
    asked = []
    monkeypatch.setattr(cost, "measure", lambda *call: asked.append(call[2]))

    cost.costs(network, batch, ["params", "snip"], rounds=1)

    assert asked == [["params"], ["snip"], ["params", "snip"]]


def test_seconds_are_measured():
    assert cost._seconds(lambda: torch.ones(1)) > 0


def test_network_stays_as_it_was(network, batch):
    before = copy.deepcopy(network.state_dict())
    cost.costs(network.eval(), batch, ["snip"], rounds=1)

    assert not network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_applicable_leaves_out_variants_and_the_undefined(network, batch):
    found = cost.applicable(network, batch, ["snip", "snip_printed", "nn_mass", "params"])

    assert found == ["snip", "params"]


def test_main_writes_the_table_of_all_proxies(network, batch, monkeypatch, tmp_path):
    monkeypatch.setattr(cost, "TABLE", tmp_path / "performance.csv")
    monkeypatch.setattr(cost, "applicable", lambda *_: ["params"])
    monkeypatch.setattr(zsnas, "batch", lambda *_, **__: batch)
    monkeypatch.setattr(zsnas, "space", lambda _: type("", (), {"build": lambda *_: network}))

    cost.main()

    assert (tmp_path / "performance.csv").read_text().splitlines()[1].startswith("params,")
