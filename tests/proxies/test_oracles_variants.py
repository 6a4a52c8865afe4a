"""Variants, printed formulas and proxies of single images against ``tests/oracles_variants.py``."""

import copy

import numpy as np
import oracles_variants
import pytest
import torch

from zsnas.batches import Batch
from zsnas.proxies import list_proxies, measure, proxy
from zsnas.spaces import space
from zsnas.spaces.nb201 import OPERATIONS, parse

VARIANTS = [name for name in list_proxies() if proxy(name).variant_of not in (None, "vkdnw")]
"""Those of VKDNW are beside it in `test_oracles_followups`."""
PROXIES = [*VARIANTS, "linear_regions", "gradsign", "ntk_cond", "zico"]
NB201 = space("nb201")
DRAWN = [NB201.canonical(arch) for arch in np.random.default_rng(9).choice(NB201.architectures, 12)]
CELLS = sorted({arch for arch in DRAWN if "conv" in arch})[:6]


def noise():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(8, 3, 16, 16, generator=generator).double()
    return Batch(images, torch.randint(10, (8,), generator=generator), 10, "noise")


def test_all_operations_are_in_the_cells_that_are_compared():
    assert {operation for arch in CELLS for operation in parse(arch)} == set(OPERATIONS)


@pytest.mark.parametrize("arch", CELLS)
def test_every_variant_agrees_with_its_oracle(arch):
    model, batch = NB201.build(arch, 10, seed=3).double(), noise()
    measured = measure(model, batch, PROXIES, seed=5)
    wanted = {name: getattr(oracles_variants, name)(copy.deepcopy(model), batch, 5) for name in PROXIES}
    assert {name: measured[name].value for name in PROXIES} == pytest.approx(wanted, rel=1e-4)
