"""The follow-up proxies against their slow, obvious doubles in ``tests/oracles_followups.py``."""

import copy

import numpy as np
import oracles_followups
import pytest
import torch

from zsnas.batches import Batch
from zsnas.proxies import measure
from zsnas.spaces import space
from zsnas.spaces.nb201 import OPERATIONS, parse

PROXIES = [
    *("naswot", "l2_norm", "epe_nas", "meco", "swap", "near"),
    *("az_expressivity", "az_progressivity", "az_trainability", "az_complexity"),
    "zico_bc",
]
NB201 = space("nb201")
DRAWN = [NB201.canonical(arch) for arch in np.random.default_rng(8).choice(NB201.architectures, 12)]
CELLS = sorted({arch for arch in DRAWN if "conv" in arch})[:6]


def noise(classes):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(16, 3, 16, 16, generator=generator).double()
    return Batch(images, torch.randint(10, (16,), generator=generator), classes, "noise")


def compared(arch, names, classes=10):
    """Return what the proxies and what their oracles say of one architecture."""
    model, batch = NB201.build(arch, classes, seed=3).double(), noise(classes)
    measured = measure(model, batch, names, seed=5)
    wanted = {name: getattr(oracles_followups, name)(copy.deepcopy(model), batch, 5) for name in names}
    found = {name: measured[name].value for name in names}
    return found, {name: pytest.approx(value, rel=1e-4, nan_ok=True) for name, value in wanted.items()}


def test_all_operations_are_in_the_cells_that_are_compared():
    assert {operation for arch in CELLS for operation in parse(arch)} == set(OPERATIONS)


@pytest.mark.parametrize("arch", CELLS)
def test_every_follow_up_agrees_with_its_oracle(arch):
    values, wanted = compared(arch, PROXIES)
    assert values == wanted


@pytest.mark.parametrize("arch", CELLS[:2])  # with as many backward passes as images times classes
def test_the_fisher_information_agrees_with_its_oracle(arch):
    values, wanted = compared(arch, ["vkdnw_entropy", "vkdnw_directions"])
    assert values == wanted


@pytest.mark.parametrize("arch", CELLS[:3])
def test_epe_nas_of_many_classes_agrees_with_its_oracle(arch):
    values, wanted = compared(arch, ["epe_nas"], classes=120)
    assert values == wanted


TRANSFORMERS = {
    "vitbench-autoformer": "12-m2h2-m1h3-m1.5h2",  # an MLP of square matrices, too
    "vitbench-pit": "4-m2-d1.2.1-h1.2.2",  # a square layer of the class token
}


@pytest.mark.parametrize(("name", "arch"), TRANSFORMERS.items())
def test_transformers_agree_with_their_oracles(name, arch):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 224, 224, generator=generator).double()
    model, batch = space(name).build(arch, 10, seed=3).double(), Batch(images, torch.arange(2), 10, "noise")
    measured = measure(model, batch, ["dss", "az_expressivity", "az_trainability"], seed=5)
    wanted = {
        "dss": oracles_followups.dss(copy.deepcopy(model), batch, 5),
        "az_expressivity": oracles_followups.token_expressivity(copy.deepcopy(model), batch, 5),
        "az_trainability": oracles_followups.token_trainability(copy.deepcopy(model), batch, 5),
    }
    assert {key: measured[key].value for key in wanted} == pytest.approx(wanted, rel=1e-6)
