"""Networks by name: seeded weights, images of their own size, reasons for what is left out."""

import math
import os
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import zsnas
from zsnas.spaces import NetworkUnavailable, _zoo
from zsnas.sweep import Job, Row, run_job

SMALL = {"timm": "mobilenetv3_small_100", "torchvision": "mobilenet_v3_small"}


def batch(size=2):
    return zsnas.batch("imagenet1k", size, 0)


@pytest.mark.parametrize("name", SMALL)
def test_weights_come_from_the_seed_alone(name):
    space, arch = zsnas.space(name), SMALL[name]
    state = torch.get_rng_state()

    first, again, other = (space.build(arch, 10, seed).state_dict() for seed in (1, 1, 2))

    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)
    assert torch.equal(torch.get_rng_state(), state)


def test_images_have_the_size_that_the_network_is_made_for():
    space = zsnas.space("timm")

    images = space.images_for("crossvit_9_240", batch()).images

    assert images.shape == (2, 3, 240, 240)
    assert space.images_for(SMALL["timm"], batch()).images.shape == (2, 3, 224, 224)


def test_attention_has_the_derivatives_that_proxies_need():
    """Torch adds the bias of some linear layers in place, which must not pass for an overwritten output."""
    space = zsnas.space("timm")
    network = space.build_for("crossvit_9_240", batch(), 0)

    scores = zsnas.score(network, space.images_for("crossvit_9_240", batch()), ["grad_norm", "grasp"])

    assert all(math.isfinite(score) for score in scores.values())


def test_a_network_that_does_not_fit_has_no_scores_but_a_reason(monkeypatch):
    monkeypatch.setattr(_zoo, "memory_budget", lambda: 1e6)

    job = Job("timm", "imagenet1k", Row(SMALL["timm"], 0, 2), SMALL["timm"], ("grad_norm",), ())
    (score,) = run_job(job).scores

    assert math.isnan(score.value)
    assert "more than the 0.0 GB that this machine has for it" in score.reason


def test_memory_is_three_times_what_autograd_saves_and_ten_times_the_weights():
    """A linear layer saves the image, 3 · 8 · 8 floats of 4 bytes, and has 192 · 10 weights and 10 biases."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 10))

    needed = _zoo.memory_needed(network, torch.ones(4, 3, 8, 8))

    assert needed == 3 * 4 * 192 * 4 + 10 * (1920 + 10) * 4


def test_a_model_that_timm_no_longer_has_is_named(monkeypatch):
    monkeypatch.setattr("timm.is_model", lambda _name: False)

    with pytest.raises(NetworkUnavailable, match=r"timm \S+ has no model 'mobilenetv3_small_100'"):
        zsnas.space("timm").build(SMALL["timm"], 10, 0)


def test_another_name_is_an_error():
    with pytest.raises(ValueError, match="resnet1999"):
        zsnas.space("timm").build("resnet1999", 10, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps what is free")
def test_free_memory_goes_back_before_a_network_is_built():
    blocks = [bytes(100_000) for _ in range(2000)]  # below the size that glibc maps by itself
    kept = bytes(100_000)  # on top of the heap, so that it cannot shrink from there
    del blocks
    held = _resident()

    zsnas.space("timm").build_for(SMALL["timm"], batch(1), 0)

    assert kept
    assert _resident() < held - 100e6


def _resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
