import pytest
import torch

from zsnas.batches import batch
from zsnas.search import BudgetError, Objective, prune, pruning
from zsnas.search.pruning import supernet
from zsnas.spaces import nb201, space

IMAGES = batch("cifar10", 2, 0)
LARGEST = nb201.TEMPLATE.format(*["nor_conv_3x3"] * 6)
SMALLEST_MACS = space("nb201").counts(nb201.TEMPLATE.format(*["none"] * 6), 10, 32).macs


def test_a_supernet_of_one_operation_an_edge_is_the_network():
    network = supernet((("nor_conv_3x3",),) * 6, 10, seed=0)
    built = space("nb201").build(LARGEST, 10, seed=0)
    assert sum(p.numel() for p in network.parameters()) == sum(p.numel() for p in built.parameters())
    everything = supernet((nb201.OPERATIONS,) * 6, 10, seed=0)
    assert everything(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


# By #Params, an edge loses what has no weights first and keeps the largest convolution.
def test_pruning_by_parameters_leaves_the_largest_network(monkeypatch):
    monkeypatch.setattr(nb201, "CELLS_PER_STAGE", 1)  # without a budget nothing else is counted
    found = prune(Objective(["params"]), IMAGES)
    assert found.arch == LARGEST
    assert found.rounds[0] == (nb201.OPERATIONS,) * 6
    assert [len(kept[0]) for kept in found.rounds] == [5, 4, 3, 2, 1]
    assert found.evaluations == 6 * (5 + 4 + 3 + 2)


def test_what_is_left_stays_within_the_budget(monkeypatch):
    def convolutions(kept, *_):
        return {"params": sum(names.count("nor_conv_3x3") for names in kept)}

    monkeypatch.setattr(pruning, "_scores", convolutions)
    found = prune(Objective(["params"]), IMAGES, macs=50e6)
    assert "nor_conv_3x3" in found.arch
    assert space("nb201").counts(found.arch, 10, 32).macs <= 50e6


def test_a_budget_that_nothing_meets():
    with pytest.raises(BudgetError, match=f"the cheapest needs {SMALLEST_MACS:,}"):
        prune(Objective(["params"]), IMAGES, macs=SMALLEST_MACS - 1)
