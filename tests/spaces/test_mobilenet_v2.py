import re

import pytest
import torch
from torchvision import models

from zsnas.spaces import space
from zsnas.spaces.mobilenet_v2 import parse

MOBILE = space("mobilenet-v2")

# Parameters of torchvision; of pytorchcv's table; and multiply-accumulates (millions) of TF-slim's.
PUBLISHED = {
    "mobilenetv2-d1-x1-r224": 3_504_872,
    "gluon-d1-x0.25-r224": 1_516_392,
    "gluon-d1-x0.75-r224": 2_627_592,
    "gluon-d1-x1-r224": 3_504_960,
    "b-d1-x0.25-r224": 1_516_312,
    "b-d1-x0.75-r224": 2_626_968,
    "b-d1-x1-r224": 3_503_872,
}
PUBLISHED_MACS = {
    "mobilenetv2-d1-x1.4-r224": 582,
    "mobilenetv2-d1-x1.3-r224": 509,
    "mobilenetv2-d1-x1-r96": 56,
    "mobilenetv2-d1-x0.75-r160": 107,
    "mobilenetv2-d1-x0.5-r192": 71,
    "mobilenetv2-d1-x0.35-r96": 11,
}
# In millions, of timm and of d-li14/mobilenetv2.pytorch.
ROUNDED = {
    "mobilenetv2-d1.2-x1.1-r224": 4.52,
    "mobilenetv2-d1.4-x1.2-r224": 5.83,
    "mobilenetv2-d1-x1.4-r224": 6.11,
    "mobilenetv2-d1-x0.1-r224": 1.36,
}


def test_strings_and_designs_go_both_ways():
    assert len(set(MOBILE.architectures)) == len(MOBILE.architectures)
    assert [str(parse(arch)) for arch in MOBILE.architectures] == list(MOBILE.architectures)


@pytest.mark.parametrize("arch", ["mobilenetv2-d1-x0.3-r224", "mobilenetv2-d1-x1-r225", "v3-d1-x1-r224"])
def test_what_is_not_on_the_grid_is_refused_with_the_grid(arch):
    for use in (parse, MOBILE.canonical, lambda arch: MOBILE.build(arch, 10, 0)):
        with pytest.raises(ValueError, match=re.escape(f"{arch!r} is not an architecture")) as error:
            use(arch)
        assert "288" in str(error.value)


@pytest.mark.parametrize(("arch", "params"), PUBLISHED.items())
def test_parameters_are_those_that_are_published(arch, params):
    assert MOBILE.counts(arch, 1000, 224).params == params


@pytest.mark.parametrize(("arch", "millions"), ROUNDED.items())
def test_parameters_round_to_those_that_are_published(arch, millions):
    assert round(MOBILE.counts(arch, 1000, 224).params / 1e6, 2) == millions


@pytest.mark.parametrize(("arch", "millions"), PUBLISHED_MACS.items())
def test_multiply_accumulates_are_those_that_are_published(arch, millions):
    assert MOBILE.counts(arch, 1000, MOBILE.resolutions[arch]).macs / 1e6 == pytest.approx(millions, abs=1)


def test_the_function_is_that_of_torchvision():
    ours = MOBILE.build("mobilenetv2-d1-x0.5-r96", 10, 0).eval()
    theirs = models.mobilenet_v2(width_mult=0.5, num_classes=10).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    images = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images))
