"""Training on three classes of plain colours, which one step of a small network can fit or not."""

import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from zsnas.search import CheckpointError
from zsnas.search import train as training
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


def test_the_recipe_is_the_surveys_and_what_it_leaves_open_is_usual():
    assert asdict(Recipe()) == {
        "epochs": 150,
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 4e-5,
        "batch_size": 256,
        "image_size": 224,
        "seed": 0,
    }


def test_the_recipe_is_the_default(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_epoch", lambda *_: 0.0)
    monkeypatch.setattr(training, "_accuracy", lambda *_: 0.0)
    monkeypatch.setattr(training, "_save", lambda *_: None)

    assert len(train(network(), folder, tmp_path / "a.pt", progress=False)) == 150


def test_epochs_are_those_of_sgd_with_momentum_and_decay(folder, tmp_path):
    """By the definition: v ← 0.9 v + gradient + 0.01 w and w ← w - rate v, on batches of four and of two."""
    recipe = Recipe(2, learning_rate=0.1, momentum=0.9, weight_decay=0.01, batch_size=4, image_size=8)
    by_hand, images = network(), training._images(folder, 8)[0]
    weights = list(by_hand.parameters())
    velocities, losses = [torch.zeros_like(w) for w in weights], []
    for epoch, rate in enumerate((0.1, 0.05)):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(epoch)
            batches = list(DataLoader(images, 4, shuffle=True))
        total = 0.0
        for pixels, labels in batches:
            loss = cross_entropy(by_hand(pixels), labels, reduction="sum")
            total += loss.item()
            gradients = torch.autograd.grad(loss / len(labels), weights)
            for w, v, gradient in zip(weights, velocities, gradients, strict=True):
                v.mul_(0.9).add_(gradient + 0.01 * w.detach())
                w.data.sub_(rate * v)
        losses.append(total / 6)

    model, rows = trained(folder, tmp_path / "a.pt", recipe)

    assert rows["train_loss"].tolist() == pytest.approx(losses, rel=1e-5)
    for name, expected in by_hand.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], expected)


def test_every_epoch_and_every_seed_draws_other_crops(folder, tmp_path):
    """At a learning rate of 0 nothing else changes the loss."""
    still = Recipe(epochs=2, learning_rate=0.0, batch_size=6, image_size=8)
    losses = [
        loss
        for seed in (0, 1)
        for loss in trained(folder, tmp_path / f"{seed}.pt", replace(still, seed=seed))[1]["train_loss"]
    ]

    assert len(set(losses)) == 4


@pytest.fixture
def halves(folder):
    """Let every image be 16 × 16 pixels, black on the left, white on the right; return one."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, 8:] = 255
    for path in folder.rglob("*.png"):
        Image.fromarray(pixels).save(path)
    return pixels


def test_validation_takes_the_centre_in_imagenets_units(folder, halves):
    """14 pixels are the middle of 16."""
    expected = (halves[1:15, 1:15] / 255 - training.MEAN) / training.DEVIATION

    pixels = training._images(folder, 14)[1][0][0]

    np.testing.assert_allclose(pixels.numpy(), expected.transpose(2, 0, 1), rtol=1e-5)


@pytest.mark.usefixtures("halves")
def test_training_takes_random_crops_half_of_them_mirrored(folder):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        crops = [training._images(folder, 14)[0][0][0][0] for _ in range(60)]

    rises = [(crop[:, -1] - crop[:, 0]).mean().sign().item() for crop in crops]
    assert 10 < rises.count(1) < 50
    assert 10 < rises.count(-1) < 50
    assert len({tuple(crop.flatten().tolist()) for crop in crops}) > 10


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
    with torch.random.fork_rng(devices=[]):
        before = torch.default_generator.manual_seed(17).get_state()

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


def test_a_checkpoint_of_other_classes_is_refused(folder, tmp_path):
    trained(folder, tmp_path / "a.pt")
    for part in ("train", "val"):
        (folder / part / "red").rename(folder / part / "yellow")

    with pytest.raises(CheckpointError, match="another classes"):
        trained(folder, tmp_path / "a.pt")


class Harmful:
    """What runs when it is read from a pickle, here to make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_checkpoint_cannot_run_code(folder, tmp_path):
    torch.save({"settings": Harmful(tmp_path / "made"), "rows": []}, tmp_path / "a.pt")

    with pytest.raises(CheckpointError, match="is no checkpoint of a training"):
        trained(folder, tmp_path / "a.pt")

    assert not (tmp_path / "made").exists()


def test_the_folder_of_the_checkpoint_is_made(folder, tmp_path):
    path = tmp_path / "deep" / "er" / "a.pt"

    trained(folder, path)

    assert path.exists()


def test_progress_is_shown_on_request_from_where_it_goes_on(folder, tmp_path, capsys):
    trained(folder, tmp_path / "colours.pt")
    assert capsys.readouterr().err == ""

    train(network(), folder, tmp_path / "colours.pt", recipe=SHORT)
    assert "colours: 100%" in capsys.readouterr().err
