"""Image mini-batches: a few labelled training images, normalised, drawn from a seed.

The images are small samples of the training sets (see ``zsnas data list 'images/*'``). Where a sample cannot
be had, the CIFARs that torchvision keeps in the folder ``ZSNAS_TORCHVISION`` are used, and without these a
batch falls back on patches of colour photographs that ship with scikit-image, with one notice.

The images of Taskonomy, which TransNAS-Bench-101 is trained on, are unavailable. Batches for its tasks,
``photographs-64/<task>`` and ``photographs-128/<task>``, are photographs of ImageNet-1K, shrunk to that side,
with targets that :mod:`zsnas.batches.targets` builds. The benchmark's own images have 256 pixels a side. So
it is for ADE20K and ``photographs-128/ade20k``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from importlib.resources import files
from itertools import product
from numbers import Integral
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Shaped
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from zsnas._names import as_name, unknown
from zsnas._numbers import as_seed, as_whole
from zsnas._own import Register
from zsnas.batches import digits, tokens
from zsnas.batches.targets import Photographs, examples, side_of_photographs
from zsnas.batches.tasks import ADE20K, CLASSIFICATION, TASKS, Task, check_task
from zsnas.sources import SourceUnavailable, fetch

Kind = Literal["images", "series", "tokens"]
"""What a batch holds."""


class FallbackImages(UserWarning):
    """A batch consists of patches of photographs, because the images of its data set are unavailable."""

    once_a_session = True
    """For the command line, where each command is a process; see ``zsnas.cli._notices``."""


@dataclass(frozen=True, eq=False, repr=False)
class Batch:
    """Labelled images, series or tokens; `from_loader`, `from_folder` and `from_arrays` make one of your own.

    Attributes
    ----------
    images
        Float32, shape (B, channels, H, W), contiguous. Those of a data set have 3 channels, normalised with
        its mean and deviation. Those of a task are as ``zsnas.batches.targets`` makes them: with the mean
        and deviation of Taskonomy, from -1 to 1 where the output is an image or segments, and for a jigsaw
        nine tiles behind each other, 27 channels from 0 to 1. Series are numbers of the shape (B, length,
        features), or (B, channels, length) for a network of 1-D convolutions; tokens are whole numbers from
        0, (B, length), which the network looks up in an embedding. They go by the name of images, too.
    labels
        Int64, shape (B,), from 0 to ``num_classes - 1``; for another task its target, see `Task.loss`. A
        number for each image may be (B,), and becomes (B, 1).
    num_classes
        Classes of the data set, present in the batch or not; for another task the outputs of the network.
    source
        What the images are, in words; the same for every size and seed.
    task
        What a network is to make of the images; it has the loss.
    """

    images: Shaped[Tensor, " batch *item"]
    labels: Shaped[Tensor, " batch *target"]
    num_classes: int
    source: str
    task: Task = CLASSIFICATION

    def __post_init__(self) -> None:
        classes = as_whole("num_classes of a batch", self.num_classes, 1, example="10")
        object.__setattr__(self, "num_classes", classes)  # an integer of numpy becomes one of Python
        check_task(self.task)
        if not isinstance(self.source, str):
            raise ValueError(
                f"the source of a batch is {self.source!r}; it must say what the images are, such as 'photos'"
            )
        _check_images(self.images)
        _check_tensor("labels", self.labels)
        if self.task.has_numbers and classes == self.labels.dim() == 1:
            object.__setattr__(self, "labels", self.labels[:, None])
        _check_labels(self)

    @classmethod
    def from_arrays(  # noqa: PLR0913 - settings, all but three of them keyword-only
        cls,
        images: object,
        labels: object,
        num_classes: int | None = None,
        *,
        mean: Sequence[float] | None = None,
        deviation: Sequence[float] | None = None,
        task: Task = CLASSIFICATION,
        source: str = "arrays of one's own",
        kind: Kind | None = None,
    ) -> Batch:
        """Return a batch of arrays or tensors.

        Parameters
        ----------
        images
            (B, channels, H, W), (B, H, W, channels) with 1, 3 or 4 channels, or grey (B, H, W). Bytes are
            pixels: they are divided by 255 and normalised. Other numbers are taken as they are, unless there
            are ``mean`` and ``deviation``. Whole numbers (B, length) are tokens.
        labels
            A class for each image, or the target of the task.
        num_classes
            By default that of the task, or one more than the highest label.
        mean, deviation
            To normalise with, one number a channel on the scale 0 to 1; by default those of ImageNet for
            pixels of three channels.
        task
            What a network is to make of the images, see :class:`zsnas.Task`.
        source
            What the images are, in words.
        kind
            ``"series"`` for series (B, length, features), which are taken as they are; they could not be
            told from grey images. Otherwise found out.
        """
        from zsnas.batches import own

        return own.from_arrays(
            images, labels, num_classes, mean=mean, deviation=deviation, task=task, source=source, kind=kind
        )

    @classmethod
    def from_loader(
        cls,
        loader: object,
        size: int = 64,
        num_classes: int | None = None,
        *,
        mean: Sequence[float] | None = None,
        deviation: Sequence[float] | None = None,
        task: Task = CLASSIFICATION,
        kind: Kind | None = None,
    ) -> Batch:
        """Return the first images of a loader, in its order.

        Parameters
        ----------
        loader
            Yields pairs of images and labels, as a ``torch.utils.data.DataLoader`` does.
        size
            How many images, however many the loader yields at a time.
        num_classes
            By default as many as the data set has ``classes``, or one more than the highest label.
        mean, deviation, task, kind
            As of `from_arrays`.
        """
        from zsnas.batches import own

        return own.from_loader(
            loader, size, num_classes, mean=mean, deviation=deviation, task=task, kind=kind
        )

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        size: int = 64,
        seed: int = 0,
        *,
        side: int = 32,
        mean: Sequence[float] | None = None,
        deviation: Sequence[float] | None = None,
    ) -> Batch:
        """Return images of a folder that has a sub-folder for each class, as balanced as it allows.

        Parameters
        ----------
        folder
            Its sub-folders, in alphabetical order, are the classes.
        size
            How many images.
        seed
            Draws them.
        side
            Height and width that the square in the middle of each image is resized to.
        mean, deviation
            As of `from_arrays`.
        """
        from zsnas.batches import own

        return own.from_folder(folder, size, seed, side=side, mean=mean, deviation=deviation)

    @property
    def kind(self) -> Kind:
        """Whether it holds images, series or tokens."""
        if not self.images.is_floating_point():
            return "tokens"
        return "series" if self.images.dim() == 3 else "images"

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def to(self, device: str | torch.device) -> Batch:
        """Return the batch with images and labels on a device."""
        try:
            place = torch.device(device)
            return replace(self, images=self.images.to(place), labels=self.labels.to(place))
        except (RuntimeError, TypeError) as error:
            raise ValueError(
                f"a batch cannot be had on the device {device!r}; choose one that is here, such as 'cpu'"
            ) from error

    def __repr__(self) -> str:
        """Return size, shape, classes and source in one line."""
        return f"Batch({self._summary()}: {self.source})"

    def _summary(self) -> str:
        shape = "×".join(map(str, self.images.shape[1:]))
        if self.kind == "tokens":
            held = f"{len(self)} sequences of {shape} tokens"
        else:
            held = f"{len(self)} {self.kind} {shape}"
        outputs = f"{self.num_classes} {'classes' if self.task.criterion == 'cross_entropy' else 'outputs'}"
        task = "" if self.task is CLASSIFICATION else f", task {self.task.name}"
        return f"{held}, {outputs}{task}"

    def _repr_html_(self) -> str:
        from zsnas.batches._thumbnails import thumbnails

        return f"<figure>{thumbnails(self.images)}<figcaption>{escape(repr(self))}</figcaption></figure>"


def check_batch(given: object) -> None:
    """Raise a ValueError, in one sentence, for anything that is no batch."""
    if isinstance(given, Batch):
        return
    if isinstance(given, str):
        step = f"the name {given!r}; give the images: zsnas.batch({given!r}, size=64, seed=0)"
    elif isinstance(given, torch.utils.data.DataLoader):
        step = "a DataLoader; give the first images of it: zsnas.Batch.from_loader(loader, 64)"
    else:
        step = (
            f"of type {type(given).__name__}; give zsnas.Batch(images, labels, num_classes, source), or one "
            "of a data set, such as zsnas.batch('cifar10')"
        )
    raise ValueError(f"the batch is {step}")


def _check_images(images: Tensor) -> None:
    _check_tensor("images", images)
    if images.dim() == 2 and images.dtype in (torch.int32, torch.int64) and images.numel():
        _check_tokens(images)
        return
    if images.dim() not in (3, 4) or not images.numel():
        raise ValueError(
            f"the images of a batch have the shape {tuple(images.shape)}; it must be (batch, "
            "channels, height, width) with at least one image: a single one is image[None]. Series are "
            "(batch, length, features), tokens whole numbers (batch, length)"
        )
    if not images.is_floating_point():
        raise ValueError(
            f"the images of a batch are of type {images.dtype}; they must be floating-point numbers, "
            "normalised as in training: zsnas.Batch.from_arrays(images, labels) normalises pixels"
        )
    if not images.is_meta and not images.isfinite().all():
        raise ValueError(
            "the images of a batch hold NaN or infinite values; leave out the images that do, or correct how "
            "they are read and normalised"
        )


def _check_tokens(tokens: Tensor) -> None:
    if not tokens.is_meta and tokens.min() < 0:
        raise ValueError(
            f"a batch of tokens holds {int(tokens.min())}; they are places in an embedding, from 0: give "
            "padding a number of its own"
        )


def _check_labels(batch: Batch) -> None:
    labels, task, size = batch.labels, batch.task, len(batch.images)
    has_classes = task.criterion == "cross_entropy"
    fractions = has_classes and (labels.is_floating_point() or labels.is_complex())
    nested = task.has_classes and labels.dim() != 1
    if fractions or nested or labels.shape[:1] != batch.images.shape[:1]:
        raise ValueError(
            f"the labels of a batch have the shape {tuple(labels.shape)} and the type "
            f"{labels.dtype}; for {task.name} of {size} {batch.kind} there must be "
            f"{size}, whole numbers if they are classes"
            + ("; a single image is image[None]" if batch.kind == "series" else "")
        )
    wanted = size, batch.num_classes
    if task.has_numbers and labels.shape != wanted:
        raise ValueError(
            f"the labels of a batch have the shape {tuple(labels.shape)}; for {task.name}, "
            f"{batch.num_classes} numbers for each of {size} {batch.kind}, it must be {wanted}"
        )
    if has_classes and not labels.is_meta:
        wrong = labels[(labels < 0) | (labels >= batch.num_classes)]
        if wrong.numel():
            raise ValueError(
                f"a batch of {batch.num_classes} classes has the label {wrong[0].item()}; labels go from 0 "
                "to num_classes - 1: count all classes of the data set, and leave out images without one"
            )


def _check_tensor(what: str, given: object) -> None:
    if not isinstance(given, Tensor):
        raise ValueError(
            f"the {what} of a batch are of type {type(given).__name__}; they must be a tensor of torch: "
            "torch.as_tensor(…) makes one of an array or of numbers"
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
    from_what: str = "from a random sample of"
    """What its sample is, before the number of its images."""


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
    # Of the training pictures, whose pixels go from 0 to 16.
    "digits": _DataSet(
        "scikit-learn's digits",
        10,
        8,
        digits.TRAINING,
        (digits.MEAN,) * 3,
        (digits.DEVIATION,) * 3,
        from_what="of the first",
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

Draw = Callable[[int, int, int], Batch]
"""Returns a batch of so many images, drawn from a seed, with so many of each class."""

OWN: Register[Draw] = Register("batch", lambda: [*_DATA_SETS, *_TASKS, tokens.NAME])
"""The batches that users have registered."""


def list_batches() -> list[str]:
    """Return the names of the data sets that batches are drawn from.

    >>> [name for name in list_batches() if not name.startswith("photographs-")]
    ['cifar10', 'cifar100', 'digits', 'imagenet16-120', 'imagenet1k', 'tokens-128']
    """
    return sorted([*_DATA_SETS, *_TASKS, tokens.NAME, *OWN])


def register_batch(name: str, draw: Draw) -> None:
    """Let a batch of one's own be drawn by its name, as those of this package are.

    Registering again replaces it, if the same module or notebook does.

    Parameters
    ----------
    name
        Such as ``"noise"``.
    draw
        Takes ``size``, ``seed`` and ``images_per_class``, in this order and as :func:`batch` does, and
        returns a `Batch`. Where it has not so many images of a class, it raises a ValueError, which becomes
        the reason why proxies that compare them have no score.

    Raises
    ------
    ValueError
        When it is no function, or its name is taken.
    """
    if not callable(draw):
        raise ValueError(
            f"the batch {name!r} is to be drawn by a function of size, seed and images_per_class that "
            f"returns a zsnas.Batch, not by {draw!r}"
        )
    OWN.add(name, draw)


def batch(name: str, size: int = 64, seed: int = 0, *, images_per_class: int = 1) -> Batch:
    """Return a mini-batch of training images, class-balanced where the sample allows.

    Balanced means that class counts differ by at most one; which classes get one more is drawn from the
    seed (64 images of CIFAR-100 are 64 different classes). When the sample runs out of images of a class,
    the others share the rest as evenly as they can. The order of the images is random.

    Proxies that compare the images of a class ask for several. Then ``size // images_per_class`` classes, or
    all if there are fewer, are drawn and have so many each; the rest, if any, is as balanced as before. A
    class that the sample has too few images of gets mirror images of them, left to right, as in training:
    ImageNet16-120 and ImageNet-1K have one image a class.

    Parameters
    ----------
    name
        One of `list_batches`; or a folder with a sub-folder for each class, or an ``.npz`` file with images
        ``x`` and labels ``y``, see ``zsnas.batches.own``.
    size
        Number of images, from 1 to the size of the sample: 1024 for the CIFARs, 512 for the digits, 120 for
        ImageNet16-120, 128 for ImageNet-1K and for photographs (these drawn without regard to their classes);
        of random tokens there are as many sequences as you like.
    seed
        The same seed gives the same batch; no global random generator is read or changed.
    images_per_class
        From 1 to ``size``, and to twice the images that the sample has of each class: 182 for CIFAR-10, 98
        for the digits, 8 for CIFAR-100, 2 for the others (the classes of a jigsaw are drawn with the batch).
        It asks for nothing where an image has no class, as in the dense tasks.

    Warns
    -----
    FallbackImages
        Once a process and data set, when the images are unavailable. The batch is then made of patches of
        photographs, shrunk four times (not at all for ImageNet-1K), with balanced random labels, and its
        ``source`` says so.
    """
    given: object = name
    if not isinstance(given, Path):  # of a folder or a file
        as_name("batch", given, "zsnas.list_batches()")
    if name in OWN:
        return _own_batch(name, as_whole("size", size, 1, example="64"), as_seed(seed), images_per_class)
    if name not in (*_DATA_SETS, *_TASKS, tokens.NAME):
        from zsnas.batches import own

        if own.is_own(name):
            return own.draw(name, size, seed, images_per_class)
    rng = np.random.default_rng(as_seed(seed))
    if name in _TASKS:
        return _task_batch(name, size, rng, images_per_class)
    if name == tokens.NAME:
        return _token_batch(size, rng, images_per_class)
    data_set = _data_set(name, size)
    each = _checked_each(images_per_class, size)
    try:
        images, labels = _sample(name)
    except SourceUnavailable as reason:
        _notice(data_set.label, str(reason))
        return _photograph_batch(data_set, size, rng, each)
    source = f"{data_set.label}: training images, class-balanced, {data_set.from_what} {len(labels)}"
    source += _several(each, _fewest(name, labels, each))
    chosen = _balanced(labels, size, rng, each)
    images, labels = _with_mirror_images(images, labels)
    return _as_batch(images[chosen], labels[chosen], data_set, source)


def resized(batch: Batch, side: int) -> Batch:
    """Return the batch with images (B, channels, side, side), bicubic and antialiased; its source says so.

    Series and tokens stay as they are.
    """
    side = as_whole("the side of the images", side, 1, example="224")
    if batch.kind != "images" or batch.images.shape[-2:] == (side, side):
        return batch
    images = interpolate(batch.images, size=(side, side), mode="bicubic", antialias=True)
    return replace(batch, images=images.contiguous(), source=f"{batch.source}; resized to {side}×{side}")


def _own_batch(name: str, size: int, seed: int, images_per_class: int) -> Batch:
    drawn: object = OWN[name](size, seed, _checked_each(images_per_class, size))
    if not isinstance(drawn, Batch) or len(drawn.images) != size:
        what = f"{len(drawn.images)} images" if isinstance(drawn, Batch) else f"a {type(drawn).__name__}"
        raise ValueError(
            f"the function of the batch {name!r} returned {what} when asked for {size} images; it must "
            "return a zsnas.Batch of so many"
        )
    return drawn


def _data_set(name: str, size: int) -> _DataSet:
    if name not in _DATA_SETS:
        raise unknown("batch", name, list_batches(), "zsnas.list_batches()")
    _check_size(name, size, _DATA_SETS[name].sample)
    return _DATA_SETS[name]


def _check_size(name: str, size: object, sample: int) -> None:
    if not isinstance(size, Integral) or not 1 <= int(size) <= sample:
        raise ValueError(f"a batch of {name!r} has from 1 to {sample} images, not {size}")


def _checked_each(given: int, size: int) -> int:
    each = as_whole("images_per_class", given, 1, example="2")
    if each > size:
        raise ValueError(
            f"a batch of {size} cannot have {each} images of a class; take a size of {each} or more, or "
            f"images_per_class from 1 to {size}"
        )
    return each


def _fewest(name: str, labels: NDArray[np.int64], each: int) -> int:
    """Return how many images the smallest class of a sample has; with their mirror images they are enough."""
    fewest = int(np.unique(labels, return_counts=True)[1].min())
    if each > 2 * fewest:
        raise ValueError(
            f"images_per_class is {each} in a batch of {name!r}; it must be from 1 to {2 * fewest}: so many, "
            "mirror images included, has the smallest class of the sample"
        )
    return fewest


def _several(each: int, fewest: int) -> str:
    """Say for the source of a batch that its classes have several images, and how if a class has too few."""
    mirrored = ", mirrored where the sample has fewer" if fewest < each else ""
    return f"; {each} images of a class{mirrored}" if each > 1 else ""


@cache
def _sample(name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return all images (n, side, side, 3) and labels (n,) of a sample."""
    if name == "digits":
        return digits.training()
    try:
        path = fetch(f"images/{name}")
    except SourceUnavailable as reason:
        return _of_torchvision(name, reason)
    with np.load(path) as arrays:
        return arrays["x"], arrays["y"].astype(np.int64)


def _of_torchvision(name: str, reason: SourceUnavailable) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the training images of a CIFAR that torchvision keeps in the folder ``ZSNAS_TORCHVISION``."""
    kind = {"cifar10": "CIFAR10", "cifar100": "CIFAR100"}.get(name)
    root = os.environ.get("ZSNAS_TORCHVISION")
    if kind is None:
        raise reason
    if not root:
        raise SourceUnavailable(
            f"{reason}; or torchvision.datasets.{kind}(FOLDER, download=True), and ZSNAS_TORCHVISION=FOLDER"
        ) from reason
    from torchvision import datasets

    try:
        found = getattr(datasets, kind)(root, train=True)
    except RuntimeError as error:
        raise SourceUnavailable(
            f"ZSNAS_TORCHVISION is {root!r}, where torchvision has no {kind}: "
            f"torchvision.datasets.{kind}({root!r}, download=True) gets it"
        ) from error
    return found.data, np.asarray(found.targets, dtype=np.int64)


def _balanced(
    labels: NDArray[np.int64], size: int, rng: np.random.Generator, each: int = 1
) -> NDArray[np.int64]:
    """Return `size` positions in random order, as evenly spread over the classes as the labels allow.

    The first ``size // each`` classes of a random order get `each` first. Where a class lacks them, positions
    past the end count on: those of mirror images.
    """
    shuffled = rng.permutation(len(labels))
    shuffled = np.concatenate([shuffled, shuffled + len(labels)])
    classes = labels[shuffled % len(labels)]
    rounds = _occurrence(classes)
    turn = np.unique(rng.permutation(labels.max() + 1)[classes], return_inverse=True)[1]
    first = (rounds < each) & (turn < size // each)
    wanted = first | (shuffled < len(labels))
    order = np.lexsort((turn[wanted], rounds[wanted], ~first[wanted]))
    return rng.permutation(shuffled[wanted][order[:size]])


def _with_mirror_images(
    images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Append to images (n, H, W, 3) and labels (n,) the same images mirrored left to right."""
    return np.concatenate([images, images[:, :, ::-1]]), np.tile(labels, 2)


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


def _photograph_batch(data_set: _DataSet, size: int, rng: np.random.Generator, each: int) -> Batch:
    patches = np.stack([_patch(data_set.side, rng, data_set.shrink) for _ in range(size)])
    classes = rng.permutation(data_set.num_classes)[: size // each]
    labels = rng.permutation(np.resize(classes, size)).astype(np.int64)
    names = ", ".join(Path(file).stem for file in _PHOTOGRAPHS)
    source = (
        f"not {data_set.label}: patches of photographs that ship with scikit-image ({names}), "
        "with balanced random labels"
    ) + _several(each, fewest=each)
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


def _task_batch(name: str, size: int, rng: np.random.Generator, images_per_class: int) -> Batch:
    side, task = _TASKS[name]
    _check_size(name, size, _PHOTOGRAPH_SAMPLE)
    each = _checked_each(images_per_class, size) if task.has_classes else 1
    try:
        pixels, classes = _sample("imagenet1k")
        origin = f"photographs of ImageNet-1K, from a random sample of {len(classes)}"
    except SourceUnavailable as reason:
        _notice("ImageNet-1K", str(reason), stacklevel=4)
        pixels, classes = _stand_ins()
        origin = "patches of photographs that ship with scikit-image"
    fewest = each
    if each == 1 or task.head == "jigsaw":
        chosen = rng.permutation(len(classes))[:size]
    else:
        labels = classes % task.fixed_outputs
        fewest = _fewest(name, labels, each)
        chosen = _balanced(labels, size, rng, each)
        pixels, classes = _with_mirror_images(pixels, classes)
    photographs = Photographs(_shrunk(pixels, side_of_photographs(task, side)), classes)
    images, targets = examples(task, photographs, chosen, rng, each)
    return Batch(
        torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)),
        _as_target(targets),
        task.fixed_outputs,
        f"{origin}, shrunk to {side} × {side}, with a target built for the task {task.name}"
        + _several(each, fewest),
        task,
    )


def _token_batch(size: int, rng: np.random.Generator, images_per_class: int) -> Batch:
    size = as_whole("size", size, 1, example="8")
    each = _checked_each(images_per_class, size)
    drawn = torch.from_numpy(tokens.sequences(size, rng))
    source = f"no text: random tokens of BERT's vocabulary, {tokens.LENGTH} a sequence, "
    source += "with balanced random labels" + _several(each, fewest=each)
    return Batch(drawn, torch.from_numpy(tokens.labels(size, rng, each)), tokens.CLASSES, source)


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
