"""Networks by name: seeded weights, images of their own size, reasons for what is left out."""

import math

import pytest
import torch

import zsnas
from zsnas.scores.sweep import Job, Row, run_job
from zsnas.spaces import NetworkUnavailable

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
    monkeypatch.setattr("zsnas.memory.budget", lambda: 1e6)

    job = Job("timm", "imagenet1k", Row(SMALL["timm"], 0, 2), SMALL["timm"], ("grad_norm",), ())
    (score,) = run_job(job).scores

    assert math.isnan(score.value)
    assert "more than the 0.0 GB that this machine has for it" in score.reason


def test_a_model_that_timm_no_longer_has_is_named(monkeypatch):
    monkeypatch.setattr("timm.is_model", lambda _name: False)

    with pytest.raises(NetworkUnavailable, match=r"timm \S+ has no model 'mobilenetv3_small_100'"):
        zsnas.space("timm").build(SMALL["timm"], 10, 0)


def test_another_name_is_an_error():
    with pytest.raises(ValueError, match="resnet1999"):
        zsnas.space("timm").build("resnet1999", 10, 0)
