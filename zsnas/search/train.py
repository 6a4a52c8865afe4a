"""Training: the survey's recipe for what a search found, for those who have ImageNet and a GPU.

The survey states 150 epochs, SGD from a learning rate of 0.1 along a cosine, and standard augmentation.
What it leaves open is set as usual for ImageNet: momentum 0.9, weight decay 4·10⁻⁵, batches of 256, random
crops of 224 pixels that are mirrored half of the time; validation takes the centre.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from zsnas._files import checked_file, replacing
from zsnas._numbers import torch_seeded
from zsnas._progress_bar import progress_bar
from zsnas.search._checkpoint import CheckpointError

if TYPE_CHECKING:
    from torchvision.datasets import ImageFolder

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours of ImageNet's images, by which they are normalised."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the defaults are the survey's for Table VI."""

    epochs: int = 150
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 4e-5
    batch_size: int = 256
    image_size: int = 224
    seed: int = 0


def train(
    network: nn.Module,
    folder: str | Path,
    checkpoint: str | Path,
    *,
    recipe: Recipe | None = None,
    device: str = "cpu",
    workers: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Train a classifier of images in place, and validate it after every epoch.

    Parameters
    ----------
    network : Module
        Takes (batch, 3, side, side) to logits; for example ``zsnas.space("proxyless").build(arch, 1000, 0)``.
    folder : path
        Has ``train`` and ``val``, each with a folder of images for each class, as ImageNet is laid out.
    checkpoint : path
        Written after every epoch; the same call goes on from there, to the same weights on the same machine.
    recipe : Recipe, optional
        The survey's by default.
    device : str
        For example ``"cuda"``.
    workers : int
        Processes that load images. Their number changes the random crops.
    progress : bool
        Show a bar on standard error.

    Returns
    -------
    DataFrame
        One row per epoch: ``epoch`` (from 1), ``learning_rate``, ``train_loss`` (nats), ``val_accuracy`` (%).

    Raises
    ------
    FileNotFoundError
        When the folder lacks ``train`` or ``val``, or one of them has no images.
    ValueError
        When the classes of both differ, or are not as many as the network's logits.
    CheckpointError
        When the checkpoint is none, or that of another network or recipe.
    """
    recipe = recipe or Recipe()
    path = checked_file("the checkpoint of a training", checkpoint, ".pt", ".pth", makes_folder=True)
    seen, unseen = _images(Path(folder), recipe.image_size)
    network.to(device)
    _check_logits(network, len(seen.classes), recipe.image_size, device)
    optimiser = torch.optim.SGD(
        network.parameters(), recipe.learning_rate, recipe.momentum, weight_decay=recipe.weight_decay
    )
    settings = asdict(recipe) | {"network": _fingerprint(network), "classes": seen.classes}
    rows = _resume(path, settings, network, optimiser)
    with progress_bar(path.stem, recipe.epochs, unit="epoch", done=len(rows), shown=progress) as bar:
        for epoch in range(len(rows), recipe.epochs):
            rate = recipe.learning_rate * (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2
            loss = _epoch(network, seen, optimiser, recipe, epoch, rate, workers)
            accuracy = _accuracy(network, unseen, recipe.batch_size, workers)
            rows.append(
                {"epoch": epoch + 1, "learning_rate": rate, "train_loss": loss, "val_accuracy": accuracy}
            )
            _save(path, settings, network, optimiser, rows)
            bar.set_postfix(loss=f"{loss:.3f}", accuracy=f"{accuracy:.2f} %")
            bar.update()
    return pd.DataFrame(rows)


def _images(folder: Path, side: int) -> tuple[ImageFolder, ImageFolder]:
    """Return the images to train with, at random crops, and those to validate with."""
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    tensors = [transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)]
    augmented = [transforms.RandomResizedCrop(side), transforms.RandomHorizontalFlip(), *tensors]
    centred = [transforms.Resize(round(side / 0.875)), transforms.CenterCrop(side), *tensors]
    for part in ("train", "val"):
        if not (folder / part).is_dir():
            raise FileNotFoundError(
                f"{folder} has no folder {part!r}; images are expected as {folder}/{part}/<class>/<image>, "
                "the layout of ImageNet"
            )
    train, val = (
        ImageFolder(str(folder / part), transforms.Compose(steps))
        for part, steps in (("train", augmented), ("val", centred))
    )
    if train.classes != val.classes:
        odd = sorted(set(train.classes) ^ set(val.classes))
        raise ValueError(
            f"{folder} has {len(train.classes)} classes in 'train' and {len(val.classes)} in 'val'; the "
            f"class {odd[0]!r} is in one of them only"
        )
    return train, val


def _check_logits(network: nn.Module, classes: int, side: int, device: str) -> None:
    with torch.no_grad():
        logits = network.eval()(torch.zeros(1, 3, side, side, device=device)).shape[-1]
    if logits != classes:
        raise ValueError(
            f"the network tells {logits} classes apart and the images have {classes}; "
            f"build it with num_classes={classes}"
        )


def _epoch(
    network: nn.Module,
    images: ImageFolder,
    optimiser: torch.optim.Optimizer,
    recipe: Recipe,
    epoch: int,
    rate: float,
    workers: int,
) -> float:
    """Train for one epoch and return the mean loss. Its random numbers depend on seed and epoch alone."""
    device, total = next(network.parameters()).device, 0.0
    for group in optimiser.param_groups:
        group["lr"] = rate
    network.train()
    with torch_seeded(recipe.seed * 1_000_003 + epoch):
        for pixels, labels in DataLoader(images, recipe.batch_size, shuffle=True, num_workers=workers):
            loss = cross_entropy(network(pixels.to(device)), labels.to(device))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += loss.item() * len(labels)
    return total / len(images)


@torch.no_grad()
def _accuracy(network: nn.Module, images: ImageFolder, batch_size: int, workers: int) -> float:
    """Return the share of images, in %, whose largest logit is that of their class."""
    device, right = next(network.parameters()).device, 0
    network.eval()
    with torch_seeded(0):  # a loader draws from the global generator
        for pixels, labels in DataLoader(images, batch_size, num_workers=workers):
            right += int((network(pixels.to(device)).argmax(1) == labels.to(device)).sum())
    return 100 * right / len(images)


def _fingerprint(network: nn.Module) -> str:
    """Return what tells architectures apart: layers with their settings, not weights."""
    return hashlib.sha256(repr(network).encode()).hexdigest()


def _save(
    path: Path,
    settings: dict[str, Any],
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    rows: list[dict[str, float]],
) -> None:
    """Replace the checkpoint; one that is interrupted leaves the old file whole."""
    state = {"settings": settings, "network": network.state_dict(), "optimiser": optimiser.state_dict()}
    with replacing(path) as part:
        torch.save(state | {"rows": rows}, part)


def _resume(
    path: Path, settings: dict[str, Any], network: nn.Module, optimiser: torch.optim.Optimizer
) -> list[dict[str, float]]:
    """Load what a checkpoint holds, if there is one, and return its epochs."""
    if not path.exists():
        return []
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        before, rows = state["settings"], list(state["rows"])
    except Exception as error:  # torch raises many kinds for a file that it did not write
        raise CheckpointError(f"{path} is no checkpoint of a training ({error}); name another") from error
    differing = [name for name in settings if before.get(name) != settings[name]]
    if differing:
        raise CheckpointError(
            f"{path} belongs to a training with another {', '.join(differing)}; name another checkpoint"
        )
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return rows
