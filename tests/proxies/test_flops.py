import json

import pytest
import torch
from small_networks import batch
from torch import nn

from zsnas.book.studies import cost
from zsnas.proxies import measure, register, score
from zsnas.scores.table import undefined

IMAGES = batch(torch.ones(2, 1, 4, 4), [0, 1])


def macs(*layers):
    return measure(nn.Sequential(*layers), IMAGES, ["flops"])["flops"]


def test_by_hand():
    conv = nn.Conv2d(1, 2, 3, padding=1)  # 2·4·4 outputs, each of 3·3·1 products
    linear = nn.Linear(32, 3)  # 3 outputs, each of 32 products
    assert macs(conv, nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), linear).value == 32 * 9 + 3 * 32


def test_groups_divide_the_input_channels_and_strides_the_positions():
    grouped = nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=2)  # 4·2·2 outputs, each of 3·3·(4/2) products
    assert macs(nn.Conv2d(1, 4, 1), grouped, nn.Flatten()).value == 4 * 16 * 1 + 16 * 18


class Gram(nn.Module):
    def forward(self, x):
        return torch.bmm(x.flatten(1, 2), x.flatten(1, 2)).flatten(1)


def test_matrix_products_count():
    assert macs(Gram()).value == 4 * 4 * 4


def test_a_network_that_cannot_run_on_one_image_says_why():
    measured = macs(nn.Flatten(), nn.Linear(7, 3))
    assert measured.reason.startswith("macs pass failed: mat1 and mat2 shapes cannot be multiplied")


class Spectrum(nn.Module):
    """A network of 16 × 3 products that multiplies by a Fourier transform, too."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 3)

    def forward(self, x):
        return self.linear(torch.fft.irfft(torch.fft.rfft(x)).flatten(1))


NOTE = "note: the count leaves out what is not known to it: aten::_fft_c2r, aten::_fft_r2c"


def test_a_count_that_lacks_something_is_a_number_with_a_note():
    network, counts = Spectrum(), ["az_complexity", "flops"]
    alone = [measure(network, IMAGES, [name])[name] for name in counts]
    together = measure(network, IMAGES, ["params", *counts, "snip"])

    for measured in (*alone, *map(together.get, counts)):
        assert (measured.value, measured.reason) == (16 * 3, NOTE)
    assert together["params"].reason is together["snip"].reason is None
    assert score(network, IMAGES)["flops"] == 16 * 3
    assert set(cost.applicable(network, IMAGES, [*counts, "linear_regions"])) == set(counts)


def test_a_note_leaves_a_score_defined():
    assert undefined(json.dumps({"flops": NOTE, "snip": "no layers"})) == {"snip": "no layers"}


@pytest.mark.usefixtures("own_register")
def test_the_note_stands_beside_whatever_a_proxy_makes_of_the_count():
    @register(label="Density", higher_is_better=True, kind="naive", target=())
    def density(passes):
        return passes.macs / passes.parameter_count

    measured = measure(Spectrum(), IMAGES, ["density", "flops"])
    assert (measured["density"].value, measured["density"].reason) == (16 * 3 / (16 * 3 + 3), NOTE)


@pytest.mark.usefixtures("own_register")
def test_an_undefined_score_has_its_reason_and_no_note():
    @register(label="Nothing", higher_is_better=True, kind="naive", target=())
    def nothing(passes):
        return passes.macs * float("nan")

    reason = measure(Spectrum(), IMAGES, ["nothing"])["nothing"].reason
    assert reason == "the score is nan, not a finite number"


def test_an_encoder_counts_in_evaluation_mode():
    """Torch has a fused operator for it there: 4 tokens of width 4, a hidden layer of 8."""
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    network = nn.Sequential(nn.Flatten(1, 2), layer, nn.Flatten(), nn.Linear(16, 3))

    found = measure(network, IMAGES, ["flops"])["flops"]
    assert (found.value, found.reason) == (4 * (4 * 16 + 2 * 32) + 4 * 4 * 2 * 4 + 16 * 3, None)
