"""Training on three classes of plain colours, which one step of a small network can fit or not."""

import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import zsnas.search.train as training
from zsnas.search import CheckpointError
from zsnas.search.train import Recipe, train

COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}
SHORT = Recipe(epochs=3, batch_size=4, image_size=8, learning_rate=0.05)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for part in ("train", "val"):
        for name, colour in COLOURS.items():
            (tmp_path / "images" / part / name).mkdir(parents=True)
            for i in range(2):
                noise = rng.integers(-40, 41, (12, 12, 3))
                pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / "images" / part / name / f"{i}.png")
    return tmp_path / "images"


def network(classes=3, channels=4):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, channels, 3),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(channels, classes),
        )


def trained(folder, path, recipe=SHORT, **shape):
    model = network(**shape)
    return model, train(model, folder, path, recipe=recipe, progress=False)


def test_the_recipe_is_the_surveys():
    assert (Recipe().epochs, Recipe().learning_rate) == (150, 0.1)


def test_one_step_is_that_of_sgd(folder, tmp_path):
    one = Recipe(epochs=1, batch_size=6, image_size=8, momentum=0.0, weight_decay=0.0)
    before = network()[5].bias.detach().clone()

    model, rows = trained(folder, tmp_path / "one.pt", one)

    # By the definition of cross-entropy the bias gradients sum to 0, so that one step keeps the sum.
    assert not torch.equal(model[5].bias, before)
    assert model[5].bias.sum().item() == pytest.approx(before.sum().item(), abs=1e-6)
    assert rows["learning_rate"].tolist() == [0.1]


def test_the_learning_rate_follows_a_cosine_and_the_loss_falls(folder, tmp_path):
    _, rows = trained(folder, tmp_path / "a.pt", Recipe(epochs=10, batch_size=3, image_size=8))

    assert rows["epoch"].tolist() == list(range(1, 11))
    assert rows["learning_rate"][5] == pytest.approx(0.05)  # half-way
    assert rows["train_loss"].iloc[-1] < rows["train_loss"].iloc[0]
    assert rows["val_accuracy"].iloc[-1] == 100


def test_a_killed_training_goes_on_to_the_same_weights(folder, tmp_path, monkeypatch):
    whole, expected = trained(folder, tmp_path / "whole.pt")
    save = training._save

    def killed(*args):
        save(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training, "_save", killed)
        with pytest.raises(KeyboardInterrupt):
            trained(folder, tmp_path / "cut.pt")
    resumed, rows = trained(folder, tmp_path / "cut.pt")

    assert rows.equals(expected)
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[name]), name


def test_the_global_generator_is_left_alone(folder, tmp_path):
    before = torch.get_rng_state()

    trained(folder, tmp_path / "a.pt")

    assert torch.equal(torch.get_rng_state(), before)


def test_a_failed_write_keeps_the_old_checkpoint(folder, tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    trained(folder, path)
    content = path.read_bytes()

    def full(_state, part):
        part.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="disk full"):
        training._save(path, {}, network(), torch.optim.SGD(network().parameters()), [])

    assert path.read_bytes() == content
    assert list(tmp_path.glob("*.part")) == []


def test_a_missing_folder_is_named_with_the_layout(folder, tmp_path):
    shutil.rmtree(folder / "val")

    with pytest.raises(FileNotFoundError, match=r"no folder 'val'.*layout of ImageNet"):
        trained(folder, tmp_path / "a.pt")


def test_classes_have_to_be_the_same_in_both_folders(folder, tmp_path):
    shutil.rmtree(folder / "val" / "green")

    with pytest.raises(ValueError, match="3 classes in 'train' and 2 in 'val'; the class 'green'"):
        trained(folder, tmp_path / "a.pt")


def test_the_network_has_as_many_logits_as_there_are_classes(folder, tmp_path):
    with pytest.raises(ValueError, match="5 classes apart and the images have 3; build it"):
        trained(folder, tmp_path / "a.pt", classes=5)


@pytest.mark.parametrize(
    ("recipe", "channels", "why"), [(SHORT, 5, "network"), (Recipe(epochs=4, image_size=8), 4, "epochs")]
)
def test_a_checkpoint_of_another_training_is_refused_and_kept(folder, tmp_path, recipe, channels, why):
    path = tmp_path / "a.pt"
    trained(folder, path)
    content = path.read_bytes()

    with pytest.raises(CheckpointError, match=f"another .*{why}"):
        trained(folder, path, recipe, channels=channels)

    assert path.read_bytes() == content


def test_a_file_that_is_no_checkpoint_is_refused(folder, tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(b"no checkpoint")

    with pytest.raises(CheckpointError, match=re.escape(f"{path} is no checkpoint of a training")):
        trained(folder, path)
