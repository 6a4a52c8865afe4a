import numpy as np
import pytest
import torch
from small_networks import batch, convolution, noise, pixels, small
from torch import nn

from zsnas.proxies import measure

ONE_CHANNEL = batch(pixels([1, 2]), [0])
GREY_PAIR = batch(torch.zeros(1, 2, 1, 1).double(), [0])  # two channels


def meco(*layers, images=ONE_CHANNEL, seed=3):
    return measure(nn.Sequential(*layers), images, ["meco"], seed)["meco"]


def drawn(channels, side=64, seed=3):
    """Return the noise, (channels, pixels), that a batch of that many channels is replaced by."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(channels, side * side, generator=generator).double().numpy()


def test_by_hand():
    # One channel correlates with itself only: 1 for the convolution, 1 for the sequence around it.
    assert meco(convolution(7)).value == pytest.approx(2)
    # Two channels with correlation r have eigenvalues 1 ± |r|; here r = -1.
    assert meco(convolution(1, -2)).value == pytest.approx(0, abs=1e-9)


def test_two_channels_of_noise():
    r = np.corrcoef(drawn(2))[0, 1]
    assert meco(nn.Identity(), images=GREY_PAIR).value == pytest.approx(2 * (1 - abs(r)))


def test_activations_count_too():
    # relu(x) and relu(-x): their correlation is that of the noise's positive and negative parts.
    x = drawn(1)[0]
    r = np.corrcoef([np.maximum(x, 0), np.maximum(-x, 0)])[0, 1]
    assert meco(convolution(1, -1), nn.ReLU()).value == pytest.approx(2 * (1 - abs(r)))


def test_every_container_counts_again():
    plain = meco(convolution(7)).value
    assert meco(nn.Sequential(nn.Sequential(convolution(7)))).value == pytest.approx(plain + 2)


def test_dependent_channels_add_nothing():
    assert meco(convolution(1, 0)).value == 0  # one of them is constant
    assert meco(convolution(1, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()).value == pytest.approx(0, abs=1e-9)


def test_more_channels_than_positions_cost_nothing(monkeypatch):
    """Their matrix is singular; for a wide layer its eigenvalues would take longer than the pass."""
    sizes = []
    compute = torch.linalg.eigvalsh
    monkeypatch.setattr(torch.linalg, "eigvalsh", lambda matrix: sizes.append(len(matrix)) or compute(matrix))
    value = meco(nn.AdaptiveAvgPool2d(2), nn.Conv2d(1, 5, 1).double()).value
    assert value == pytest.approx(1)  # of the one channel with four positions
    assert sizes == [1]


def test_the_noise_is_as_large_as_larger_images():
    r = np.corrcoef(drawn(2, side=70))[0, 1]
    larger = batch(torch.zeros(1, 2, 70, 70).double(), [0])
    assert meco(nn.Identity(), images=larger).value == pytest.approx(2 * (1 - abs(r)))


def test_the_scale_of_a_channel_and_the_images_do_not_matter():
    scaled = small()
    scaled[3].weight.data *= torch.tensor([1, 2, 3, 4, 5, 6, 7, 8]).view(-1, 1, 1, 1)
    scaled[3].bias.data *= torch.tensor([1, 2, 3, 4, 5, 6, 7, 8])
    values = [
        meco(*model, images=noise(size, side)).value
        for model, size, side in [(small(), 4, 8), (scaled, 2, 4)]
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-3)


def test_batch_norm_uses_the_statistics_of_the_noise():
    norm = nn.BatchNorm2d(2).double()
    nn.init.constant_(norm.running_mean, 100)  # the ReLU after it would return zeros
    value = meco(norm, nn.ReLU(), images=GREY_PAIR).value
    assert value == meco(nn.BatchNorm2d(2).double(), nn.ReLU(), images=GREY_PAIR).value > 2.5
    assert norm.running_mean.tolist() == [100, 100]


def test_a_network_that_cannot_run_on_the_noise_is_undefined():
    reason = meco(nn.Flatten(), nn.Linear(2, 1).double()).reason
    assert reason.startswith(
        "the network does not run on noise of the shape (1, 1, 64, 64): mat1 and mat2 shapes"
    )
