"""Image mini-batches: a few labelled training images, normalised, drawn from a seed.

The images are small samples of the training sets (see ``zsnas data list 'images/*'``). Where a sample cannot
be had, a batch falls back on patches of colour photographs that ship with scikit-image, with one notice.

The images of Taskonomy, which TransNAS-Bench-101 is trained on, are not to be had. Batches for its tasks,
``photographs-64/<task>`` and ``photographs-128/<task>``, are photographs of ImageNet-1K, shrunk to that side,
with targets that :mod:`zsnas.targets` builds. The benchmark's own images have 256 pixels a side. So it is for
ADE20K and ``photographs-128/ade20k``.
"""

import warnings
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from zsnas._names import unknown
from zsnas.sources import SourceUnavailable, fetch
from zsnas.targets import Photographs, examples, side_of_photographs
from zsnas.tasks import ADE20K, CLASSIFICATION, TASKS, Task


class FallbackImages(UserWarning):
    """A batch consists of patches of photographs, because the images of its data set are unavailable."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Labelled images.

    Attributes
    ----------
    images
        Float32, shape (B, channels, H, W), contiguous. Those of a data set have 3 channels, normalised with
        its mean and deviation. Those of a task are as :mod:`zsnas.targets` makes them: with the mean and
        deviation of Taskonomy, from -1 to 1 where the output is an image or segments, and for a jigsaw nine
        tiles behind each other, 27 channels from 0 to 1.
    labels
        Int64, shape (B,), from 0 to ``num_classes - 1``; for another task its target, see `Task.loss`.
    num_classes
        Classes of the data set, present in the batch or not; for another task the outputs of the network.
    source
        What the images are, in words; the same for every size and seed.
    task
        What a network is to make of the images; it has the loss.
    """

    images: Tensor
    labels: Tensor
    num_classes: int
    source: str
    task: Task = CLASSIFICATION

    def __post_init__(self) -> None:
        if self.images.dim() != 4 or not len(self.images):
            raise ValueError(
                f"the images of a batch have the shape {tuple(self.images.shape)}; it must be (batch, "
                "channels, height, width) with at least one image: a single one is image[None]"
            )
        fractions = self.task.criterion == "cross_entropy" and self.labels.is_floating_point()
        nested = self.task.has_classes and self.labels.dim() != 1
        if fractions or nested or self.labels.shape[:1] != self.images.shape[:1]:
            raise ValueError(
                f"the labels of a batch have the shape {tuple(self.labels.shape)} and the type "
                f"{self.labels.dtype}; for {self.task.name} of {len(self.images)} images there must be "
                f"{len(self.images)}, whole numbers if they are classes"
            )


@dataclass(frozen=True)
class _DataSet:
    label: str
    num_classes: int
    side: int
    sample: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    shrink: int = 4
    """How much finer the photographs are that stand in for its images."""


# Mean and deviation of each channel over the training set, on the scale 0 to 255: the values that the authors
# of NAS-Bench-201 normalise with (github.com/D-X-Y/AutoDL-Projects, get_dataset_with_transform.py).
_DATA_SETS = {
    "cifar10": _DataSet("CIFAR-10", 10, 32, 1024, (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)),
    "cifar100": _DataSet("CIFAR-100", 100, 32, 1024, (129.3, 124.1, 112.4), (68.2, 65.4, 70.4)),
    "imagenet16-120": _DataSet(
        "ImageNet16-120", 120, 16, 120, (122.68, 116.66, 104.01), (63.22, 61.26, 65.09)
    ),
    # The values that torchvision and timm give for nearly all of their networks, times 255.
    "imagenet1k": _DataSet(
        "ImageNet-1K", 1000, 224, 128, (123.675, 116.28, 103.53), (58.395, 57.12, 57.375), shrink=1
    ),
}
_PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")

# Photographs for the tasks of TransNAS-Bench-101: name of the batch to side and task.
_TASKS = {
    f"photographs-{side}/{task}": (side, TASKS[task]) for side, task in product((64, 128), sorted(TASKS))
}
_TASKS["photographs-128/ade20k"] = (128, ADE20K)
_PHOTOGRAPH_SAMPLE = 128
_PHOTOGRAPH_SIDE = 224


def list_batches() -> list[str]:
    """Return the names of the data sets that batches are drawn from.

    >>> [name for name in list_batches() if not name.startswith("photographs-")]
    ['cifar10', 'cifar100', 'imagenet16-120', 'imagenet1k']
    """
    return sorted([*_DATA_SETS, *_TASKS])


def batch(name: str, size: int = 64, seed: int = 0) -> Batch:
    """Return a mini-batch of training images, class-balanced where the sample allows.

    Balanced means that class counts differ by at most one; which classes get one more is drawn from the
    seed (64 images of CIFAR-100 are 64 different classes). When the sample runs out of images of a class,
    the others share the rest as evenly as they can. The order of the images is random.

    Parameters
    ----------
    name
        One of `list_batches`.
    size
        Number of images, from 1 to the size of the sample: 1024 for the CIFARs, 120 for ImageNet16-120, 128
        for ImageNet-1K and for photographs (these drawn without regard to their classes).
    seed
        The same seed gives the same batch; no global random generator is read or changed.

    Warns
    -----
    FallbackImages
        Once a process and data set, when the images cannot be had. The batch is then made of patches of
        photographs, shrunk four times (not at all for ImageNet-1K), with balanced random labels, and its
        ``source`` says so.
    """
    rng = np.random.default_rng(seed)
    if name in _TASKS:
        return _task_batch(name, size, rng)
    data_set = _data_set(name, size)
    try:
        images, labels = _sample(name)
    except SourceUnavailable as reason:
        _notice(data_set.label, str(reason))
        return _photograph_batch(data_set, size, rng)
    chosen = _balanced(labels, size, rng)
    source = f"{data_set.label}: training images, class-balanced, from a random sample of {len(labels)}"
    return _as_batch(images[chosen], labels[chosen], data_set, source)


def resized(batch: Batch, side: int) -> Batch:
    """Return the batch with images (B, channels, side, side), bicubic and antialiased; its source says so."""
    if batch.images.shape[-2:] == (side, side):
        return batch
    images = interpolate(batch.images, size=(side, side), mode="bicubic", antialias=True)
    return replace(batch, images=images.contiguous(), source=f"{batch.source}; resized to {side}×{side}")


def _data_set(name: str, size: int) -> _DataSet:
    if name not in _DATA_SETS:
        raise unknown("batch", name, list_batches(), "zsnas.list_batches()")
    _check_size(name, size, _DATA_SETS[name].sample)
    return _DATA_SETS[name]


def _check_size(name: str, size: int, sample: int) -> None:
    if not 1 <= size <= sample:
        raise ValueError(f"a batch of {name!r} has from 1 to {sample} images, not {size}")


@cache
def _sample(name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return all images (n, side, side, 3) and labels (n,) of a sample."""
    with np.load(fetch(f"images/{name}")) as arrays:
        return arrays["x"], arrays["y"].astype(np.int64)


def _balanced(labels: NDArray[np.int64], size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `size` positions in random order, as evenly spread over the classes as the labels allow."""
    shuffled = rng.permutation(len(labels))
    rounds = _occurrence(labels[shuffled])
    turn = rng.permutation(labels.max() + 1)[labels[shuffled]]
    chosen = shuffled[np.lexsort((turn, rounds))[:size]]
    return rng.permutation(chosen)


def _occurrence(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each position how often its label came before it: [7, 7, 3, 7] gives [0, 1, 0, 2]."""
    by_label = np.argsort(labels, kind="stable")
    _, first, counts = np.unique(labels[by_label], return_index=True, return_counts=True)
    earlier = np.empty(len(labels), dtype=np.int64)
    earlier[by_label] = np.arange(len(labels)) - np.repeat(first, counts)
    return earlier


def _as_batch(
    images: NDArray[np.generic], labels: NDArray[np.int64], data_set: _DataSet, source: str
) -> Batch:
    """Normalise images (B, H, W, 3) on the scale 0 to 255 and lay them out as (B, 3, H, W)."""
    normalised = (images.astype(np.float64) - data_set.mean) / data_set.deviation
    channels_first = np.ascontiguousarray(normalised.transpose(0, 3, 1, 2), dtype=np.float32)
    return Batch(torch.from_numpy(channels_first), torch.from_numpy(labels), data_set.num_classes, source)


@cache
def _notice(label: str, reason: str, stacklevel: int = 3) -> None:
    """Warn once a process and data set, at the line that asked for a batch."""
    warnings.warn(
        f"in place of {label} images, batches are patches of photographs from scikit-image "
        f"with random labels: {reason}",
        FallbackImages,
        stacklevel=stacklevel,
    )


def _photograph_batch(data_set: _DataSet, size: int, rng: np.random.Generator) -> Batch:
    patches = np.stack([_patch(data_set.side, rng, data_set.shrink) for _ in range(size)])
    classes = rng.permutation(data_set.num_classes)
    labels = rng.permutation(np.resize(classes, size)).astype(np.int64)
    names = ", ".join(Path(file).stem for file in _PHOTOGRAPHS)
    source = (
        f"not {data_set.label}: patches of photographs that ship with scikit-image ({names}), "
        "with balanced random labels"
    )
    return _as_batch(patches, labels, data_set, source)


def _patch(side: int, rng: np.random.Generator, shrink: int = 4) -> NDArray[np.float64]:
    """Return one random square of a random photograph, shrunk to (side, side, 3)."""
    photograph = _photographs()[rng.integers(len(_PHOTOGRAPHS))]
    window = side * shrink
    top, left = (rng.integers(length - window + 1) for length in photograph.shape[:2])
    square = photograph[top : top + window, left : left + window]
    shrunk: NDArray[np.float64] = square.reshape(side, shrink, side, shrink, 3).mean(axis=(1, 3))
    return shrunk


@cache
def _photographs() -> list[NDArray[np.uint8]]:
    """Return the photographs (H, W, 3) inside the installed scikit-image; nothing is downloaded."""
    from skimage.io import imread

    folder = Path(str(files("skimage"))) / "data"
    return [imread(folder / file)[..., :3] for file in _PHOTOGRAPHS]


def _task_batch(name: str, size: int, rng: np.random.Generator) -> Batch:
    side, task = _TASKS[name]
    _check_size(name, size, _PHOTOGRAPH_SAMPLE)
    try:
        pixels, classes = _sample("imagenet1k")
        origin = f"photographs of ImageNet-1K, from a random sample of {len(classes)}"
    except SourceUnavailable as reason:
        _notice("ImageNet-1K", str(reason), stacklevel=4)
        pixels, classes = _stand_ins()
        origin = "patches of photographs that ship with scikit-image"
    photographs = Photographs(_shrunk(pixels, side_of_photographs(task, side)), classes)
    chosen = rng.permutation(len(classes))[:size]
    images, targets = examples(task, photographs, chosen, rng)
    return Batch(
        torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)),
        _as_target(targets),
        task.fixed_outputs,
        f"{origin}, shrunk to {side} × {side}, with a target built for the task {task.name}",
        task,
    )


def _as_target(targets: NDArray[np.generic]) -> Tensor:
    dtype = np.int64 if np.issubdtype(targets.dtype, np.integer) else np.float32
    return torch.from_numpy(np.ascontiguousarray(targets, dtype=dtype))


@cache
def _stand_ins() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return patches in place of the ImageNet sample, always the same, each a class of its own."""
    rng = np.random.default_rng(0)
    patches = [_patch(_PHOTOGRAPH_SIDE, rng, shrink=1) for _ in range(_PHOTOGRAPH_SAMPLE)]
    return np.stack(patches).astype(np.uint8), np.arange(_PHOTOGRAPH_SAMPLE)


def _shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """Resize squares (n, length, length, 3) to (n, side, side, 3) on the scale 0 to 1, without aliasing."""
    channels_first = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    resized = interpolate(channels_first, (side, side), mode="bilinear", antialias=True)
    return resized.permute(0, 2, 3, 1).double().numpy()
