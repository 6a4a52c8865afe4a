import re

import pytest
import torch
from torchvision import models

from zsnas.batches import Batch
from zsnas.proxies import score
from zsnas.spaces import space
from zsnas.spaces.resnets import parse

RESNETS = space("resnets")
SMALL = "resnet-10-x0.25-k1-r96"

# Parameters in pytorchcv's table; the two last in torchvision's.
PUBLISHED = {
    "resnet-10-x1-k1-r224": 5_418_792,
    "resnet-14-x1-k1-r224": 5_788_200,
    "resnet-14b-x1-k1-r224": 10_064_936,
    "resnet-18-x0.25-k1-r224": 3_937_400,
    "resnet-18-x0.75-k1-r224": 8_476_056,
    "resnet-38b-x1-k1-r224": 21_925_416,
    "resnet-50a-x1-k1-r224": 25_557_032,
    "preresnet-10-x1-k1-r224": 5_417_128,
    "preresnet-18-x0.25-k1-r224": 3_935_960,
    "preresnet-50b-x1-k1-r224": 25_549_480,
    "resnet-50b-x1-k2-r224": 68_883_240,
    "resnet-101b-x1-k2-r224": 126_886_696,
}


def test_strings_and_designs_go_both_ways():
    assert len(set(RESNETS.architectures)) == len(RESNETS.architectures)
    assert [str(parse(arch)) for arch in RESNETS.architectures] == list(RESNETS.architectures)


@pytest.mark.parametrize("arch", ["resnet-19-x1-k1-r224", "resnet-18-x1-k2-r224", "resnet-50-x1-k1-r224", ""])
def test_what_is_not_on_the_grid_is_refused_with_the_grid(arch):
    for use in (parse, RESNETS.canonical, lambda arch: RESNETS.build(arch, 10, 0)):
        with pytest.raises(ValueError, match=re.escape(f"{arch!r} is not an architecture")) as error:
            use(arch)
        assert "288" in str(error.value)


@pytest.mark.parametrize(("arch", "params"), PUBLISHED.items())
def test_parameters_are_those_that_are_published(arch, params):
    assert RESNETS.counts(arch, 1000, 224).params == params


# Table of pytorchcv, in millions: its own counter also counts what is not a multiplication with a weight.
def test_where_a_stage_is_halved_costs_multiplications():
    first, second = (RESNETS.counts(f"resnet-50{letter}-x1-k1-r224", 1000, 224) for letter in "ab")
    assert first.params == second.params
    assert second.macs - first.macs == pytest.approx((4110.48 - 3877.95) * 1e6, rel=0.01)


@pytest.mark.parametrize(
    ("arch", "name"), [("resnet-18-x1-k1-r96", "resnet18"), ("resnet-50b-x1-k1-r96", "resnet50")]
)
def test_the_function_is_that_of_torchvision(arch, name):
    ours, theirs = RESNETS.build(arch, 10, 0).eval(), models.get_model(name, num_classes=10).eval()
    # The same layers, but a block registers its projection last there as here.
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    images = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images))


# From c to c channels: c of c possible skip connections, times c + c; from c to 2c: times c + 2c.
def test_nn_mass_by_hand():
    batch = Batch(torch.rand(1, 3, 96, 96), torch.zeros(1, dtype=torch.int64), 10, "noise")
    found = score(RESNETS.build("resnet-10-x1-k1-r96", 10, 0), batch, ["nn_mass"])
    assert found["nn_mass"] == 2 * 64 + 3 * 64 + 3 * 128 + 3 * 256


def test_weights_follow_from_the_seed_and_images_have_the_networks_own_size():
    before = torch.get_rng_state()
    first, again, other = (RESNETS.build(SMALL, 10, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["stem.0.weight"], other["stem.0.weight"])
    batch = Batch(torch.rand(1, 3, 32, 32), torch.zeros(1, dtype=torch.int64), 10, "noise")
    assert RESNETS.images_for(SMALL, batch).images.shape == (1, 3, 96, 96)
