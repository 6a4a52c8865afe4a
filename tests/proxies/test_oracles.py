"""Every proxy against its slow, obvious double in ``tests/oracles.py``."""

import copy
import math

import numpy as np
import oracles
import pytest
import torch
from small_networks import TEN

from zsnas.batches import Batch
from zsnas.proxies import measure
from zsnas.spaces import space

NB201 = space("nb201")
DRAWN = [NB201.canonical(arch) for arch in np.random.default_rng(7).choice(NB201.architectures, 12)]
CELLS = sorted({arch for arch in DRAWN if arch.count("none") < 6})  # the empty cell has a test of its own
SHALLOW = "|none~0|+|nor_conv_1x1~0|none~1|+|nor_conv_3x3~0|none~1|skip_connect~2|"
DISCONNECTED = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|"


def noise(size, dtype, side=16):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(size, 3, side, side, generator=generator).to(dtype)
    return Batch(images, torch.randint(10, (size,), generator=generator), 10, "noise")


def expected(name, network, batch, seed):
    """Return the oracle's value; it gets a network and images of its own, in float64."""
    doubled = Batch(batch.images.double(), batch.labels, batch.num_classes, batch.source)
    return getattr(oracles, name)(copy.deepcopy(network).double(), doubled, seed)


def test_ten_different_cells_are_compared():
    assert len(CELLS) == 10


@pytest.mark.parametrize("arch", CELLS)
def test_every_proxy_agrees_with_its_oracle(arch):
    """Both sides compute in float64.

    In float32 the deepest cells amplify rounding noise: GraSP of the cell of six 3×3 convolutions moves by
    several percent with the number of threads alone, so that agreement to 1e-4 would be luck there.
    """
    network, batch = NB201.build(arch, 10, seed=3).double(), noise(8, torch.float64, side=8)
    measured = measure(network, batch, TEN, seed=5)
    values = {name: measured[name].value for name in TEN}
    wanted = {name: expected(name, network, batch, seed=5) for name in TEN}
    assert values == pytest.approx(wanted, rel=1e-4)


def test_a_shallow_cell_agrees_in_single_precision_too():
    """The tolerance of 1e-3 is single precision's: 1e-7 an operation, amplified by depth and cancellation."""
    network, batch = NB201.build(SHALLOW, 10, seed=3), noise(16, torch.float32)
    measured = measure(network, batch, TEN, seed=5)
    values = {name: measured[name].value for name in TEN}
    wanted = {name: expected(name, network, batch, seed=5) for name in TEN}
    assert values == pytest.approx(wanted, rel=1e-3)


def test_a_disconnected_cell_has_a_value_or_a_reason_and_never_a_sentinel():
    measured = measure(NB201.build(DISCONNECTED, 10, seed=3), noise(4, torch.float32), TEN)
    assert all(math.isfinite(m.value) == (m.reason is None) for m in measured.values())
    assert measured["zen_score"].reason == "the features do not depend on the input"
    assert measured["jacob_cov"].reason == "an image's input gradient is constant"
    assert measured["synflow"].value == 0  # no signal reaches the classifier
