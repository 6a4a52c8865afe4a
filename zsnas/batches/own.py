"""Images of one's own: arrays, a loader of torch, a folder with a sub-folder for each class, or an .npz file.

Whole numbers of one byte are pixels: they are divided by 255, and normalised by channel with a mean and a
deviation, those of ImageNet unless others are given. Floating-point numbers are taken as they are, unless a
mean and a deviation are given.

An ``.npz`` file holds ``x``, images (n, H, W, channels) or (n, channels, H, W), and ``y``, their labels (n,).
It may hold ``num_classes``, ``mean`` and ``deviation``, one number a channel, on the scale 0 to 1. Tokens are
whole numbers ``x`` (n, length); with ``kind="series"`` beside it, ``x`` holds series (n, length, features).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast, get_args
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsnas._files import as_path
from zsnas._names import check_choice
from zsnas._numbers import as_seed, as_whole
from zsnas.batches.images import Batch, Kind, _balanced
from zsnas.batches.tasks import CLASSIFICATION, Task, check_task

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet, for red, green and blue, on the scale 0 to 1: those of nearly all networks of timm."""

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""What counts as an image in a folder."""

SIDE = 32
CHANNELS = (1, 3, 4)


def from_arrays(  # noqa: PLR0913 - settings, all but three of them keyword-only
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
    """Return all images of arrays or tensors as a batch; see `Batch.from_arrays`.

    Parameters
    ----------
    images, labels, num_classes, mean, deviation, task, source, kind
        As of `Batch.from_arrays`.
    """
    check_task(task)
    given = _tensor("images", images)
    if _kind(given, kind) == "images":
        normalised, how = _normalised(_channels_first(given), mean, deviation)
    else:
        normalised, how = _as_they_are(given, kind, mean, deviation), ""
    targets = _tensor("labels", labels)
    if task.criterion == "cross_entropy" and not targets.is_floating_point():
        targets = targets.long()
    return Batch(normalised, targets, _outputs(targets, num_classes, task), f"{source}{how}", task)


def from_loader(
    loader: object,
    size: int = 64,
    num_classes: int | None = None,
    *,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    task: Task = CLASSIFICATION,
    kind: Kind | None = None,
) -> Batch:
    """Return the first images of a loader as a batch; see `Batch.from_loader`.

    Parameters
    ----------
    loader, size, num_classes, mean, deviation, task, kind
        As of `Batch.from_loader`.
    """
    size = as_whole("the size of a batch", size, 1, example="64")
    if not isinstance(loader, Iterable):
        raise ValueError(
            f"the loader is of type {type(loader).__name__}; give what yields pairs of images and labels, "
            "such as a torch.utils.data.DataLoader"
        )
    pairs: list[tuple[Tensor, Tensor]] = []
    for loaded in loader:
        pairs.append(_pair(loaded))
        if sum(len(images) for images, _ in pairs) >= size:
            break
    found = sum(len(images) for images, _ in pairs)
    if found < size:
        raise ValueError(f"the loader has {found} images, not {size}; ask for a size up to {found}")
    images, labels = (torch.cat(parts)[:size] for parts in zip(*pairs, strict=True))
    data = getattr(loader, "dataset", loader)
    classes = getattr(data, "classes", None)
    if num_classes is None and task is CLASSIFICATION and isinstance(classes, Sequence):
        num_classes = len(classes)
    source = f"the first {_kind(images, kind)} of a loader of {type(data).__name__}"
    return from_arrays(
        images, labels, num_classes, mean=mean, deviation=deviation, task=task, source=source, kind=kind
    )


def from_folder(
    folder: str | Path,
    size: int = 64,
    seed: int = 0,
    *,
    side: int = SIDE,
    images_per_class: int = 1,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
) -> Batch:
    """Return images of a folder as a batch; see `Batch.from_folder`.

    Parameters
    ----------
    folder, size, seed, side, mean, deviation
        As of `Batch.from_folder`.
    images_per_class
        As of `zsnas.batch`.
    """
    classes = _classes(as_path("the folder of images", folder, "photos"))
    files = [file for found in classes.values() for file in found]
    labels = np.repeat(np.arange(len(classes)), [len(found) for found in classes.values()])
    chosen = _drawn(str(folder), labels, size, seed, images_per_class)
    side = as_whole("side", side, 1, example="32")
    pixels = np.stack([_mirrored(_pixels(files[k % len(files)], side), k >= len(files)) for k in chosen])
    return from_arrays(
        pixels,
        labels[chosen % len(files)],
        len(classes),
        mean=mean,
        deviation=deviation,
        source=f"images of the folder {str(folder)!r}, shrunk to {side} × {side}",
    )


def from_file(path: str | Path, size: int, seed: int, images_per_class: int = 1) -> Batch:
    """Return images of an ``.npz`` file as a batch, drawn as those of a data set.

    Parameters
    ----------
    path
        The file; this module says what is in it.
    size, seed, images_per_class
        As of `zsnas.batch`.
    """
    arrays = _arrays(Path(path))
    images, labels = torch.from_numpy(arrays["x"]), arrays["y"]
    kind = _kind(images, str(arrays["kind"]) if "kind" in arrays else None)
    images = _channels_first(images) if kind == "images" else images
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) != len(images):
        raise ValueError(
            f"y in {str(path)!r} has the shape {labels.shape} and the type {labels.dtype}; it must be one "
            f"class, a whole number, for each of the {len(images)} images of x"
        )
    labels = labels.astype(np.int64)
    chosen = _drawn(str(path), labels, size, seed, images_per_class, mirrors=kind == "images")
    drawn = torch.stack([images[k % len(images)].flip(-1 if k >= len(images) else ()) for k in chosen])
    return from_arrays(
        drawn,
        labels[chosen % len(images)],
        int(arrays["num_classes"].item() if "num_classes" in arrays else labels.max() + 1),
        mean=_listed(arrays, "mean"),
        deviation=_listed(arrays, "deviation"),
        source=f"{kind} of the file {str(path)!r}",
        kind=kind,
    )


def is_own(name: object) -> bool:
    """Tell whether the name of a batch is that of a folder or of an ``.npz`` file."""
    return (isinstance(name, str | Path) and name != "") and (
        Path(name).suffix == ".npz" or str(name).endswith("/") or Path(name).is_dir()
    )


def draw(path: str | Path, size: int, seed: int, images_per_class: int) -> Batch:
    """Return a batch of a folder or of an ``.npz`` file.

    Parameters
    ----------
    path, size, seed, images_per_class
        As of `zsnas.batch`.
    """
    if Path(path).suffix == ".npz":
        return from_file(path, size, seed, images_per_class)
    return from_folder(path, size, seed, images_per_class=images_per_class)


def _tensor(what: str, given: object) -> Tensor:
    if isinstance(given, Tensor):
        return given
    try:
        return torch.from_numpy(np.array(given))  # a copy, which may be written to
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the {what} cannot become a tensor: {error}; give an array of numbers, or a tensor"
        ) from error


def _kind(given: Tensor, stated: str | None) -> Kind:
    """Return what an array holds: as stated; tokens if they are whole numbers (B, length); or images."""
    if stated is None:
        return "tokens" if given.dim() == 2 and not given.is_floating_point() else "images"
    check_choice("kind of a batch", stated, get_args(Kind))
    return cast("Kind", stated)


def _as_they_are(
    given: Tensor, kind: Kind | None, mean: Sequence[float] | None, deviation: Sequence[float] | None
) -> Tensor:
    """Return series or tokens as a batch takes them, or say why it cannot."""
    if mean is not None or deviation is not None:
        raise ValueError("mean and deviation are for images; give series that are standardised already")
    if kind != "series":
        if given.dim() != 2 or given.is_floating_point():
            raise ValueError(
                f"tokens of the shape {tuple(given.shape)} and the type {given.dtype}; they must be whole "
                "numbers (batch, length)"
            )
        return given.long()
    if given.dim() != 3:
        raise ValueError(
            f"series of the shape {tuple(given.shape)}; they must be (batch, length, features), or (batch, "
            "channels, length) for 1-D convolutions"
        )
    return given if given.is_floating_point() else given.float()


def _channels_first(images: Tensor) -> Tensor:
    """Return images as (B, channels, H, W): grey ones get their channel, and channels behind move forward."""
    if images.dim() == 3:
        return images[:, None]
    if images.dim() != 4:
        return images
    _, first, second, last = images.shape
    is_last = last in CHANNELS and (first not in CHANNELS or first == second != last)
    return images.permute(0, 3, 1, 2).contiguous() if is_last else images


def _normalised(
    images: Tensor, mean: Sequence[float] | None, deviation: Sequence[float] | None
) -> tuple[Tensor, str]:
    """Return images as they are in training, and in words what was done."""
    is_pixels = images.dtype == torch.uint8
    if (mean is None) != (deviation is None):
        raise ValueError("mean and deviation go together; give both, one number a channel, or neither")
    if not is_pixels and mean is None:
        return images, ""
    if images.dim() != 4:
        return images, ""  # which a batch refuses, with its reason
    channels = images.shape[1]
    if mean is None or deviation is None:
        if channels != len(MEAN):
            raise ValueError(
                f"the images are pixels of {channels} channels; give mean= and deviation=, one number a "
                "channel on the scale 0 to 1, or normalise the images"
            )
        mean, deviation, whose = MEAN, DEVIATION, "of ImageNet"
    else:
        whose = "as given"
    shift, scale = (
        _by_channel(name, values, channels) for name, values in (("mean", mean), ("deviation", deviation))
    )
    scaled = images.float() / 255 if is_pixels else images
    normalised = (scaled - shift.to(scaled)) / scale.to(scaled)
    return normalised.contiguous(), f"; normalised with mean and deviation {whose}"


def _by_channel(what: str, given: Sequence[float], channels: int) -> Tensor:
    values = [float(value) for value in given]
    low = 0.0 if what == "mean" else math.nextafter(0, 1)
    if len(values) not in (1, channels) or not all(low <= value <= 1 for value in values):
        raise ValueError(
            f"{what} is {values}; it must be {channels} numbers, one a channel, on the scale 0 to 1"
            + (", above 0" if low else "")
        )
    return torch.tensor(values)[:, None, None]


def _outputs(labels: Tensor, given: int | None, task: Task) -> int:
    """Return how many classes or outputs there are: as given, those of the task, or up to the last label."""
    if given is not None or task.outputs is not None:
        return given if given is not None else task.fixed_outputs
    return int(labels.max()) + 1 if labels.numel() else 1


def _pair(loaded: object) -> tuple[Tensor, Tensor]:
    """Return images and labels of what a loader yields."""
    if not isinstance(loaded, Sequence) or len(loaded) < 2:
        raise ValueError(
            f"the loader yields a {type(loaded).__name__}; it must yield pairs of images and labels: wrap it "
            "in a generator that does"
        )
    images, labels = _tensor("images", loaded[0]), _tensor("labels", loaded[1])
    return (images[None], labels[None]) if labels.dim() == 0 else (images, labels)  # of a data set, one


def _classes(folder: Path) -> dict[str, list[Path]]:
    """Return the images of each sub-folder, by its name, both in alphabetical order."""
    if not folder.is_dir():
        raise ValueError(f"there is no folder {str(folder)!r}; give one with a sub-folder for each class")
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    classes = {
        path.name: sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        for path in inside
    }
    found = {name: files for name, files in classes.items() if files}
    if not found:
        raise ValueError(
            f"the folder {str(folder)!r} has no sub-folder with images ({', '.join(SUFFIXES)}); put those of "
            "each class into a sub-folder of its name"
        )
    return found


def _drawn(
    where: str,
    labels: NDArray[np.int64],
    size: int,
    seed: int,
    images_per_class: int,
    *,
    mirrors: bool = True,
) -> NDArray[np.int64]:
    """Return positions of images, balanced over the classes; those past the end are of mirror images."""
    size = as_whole("size", size, 1, example="64")
    each = as_whole("images_per_class", images_per_class, 1, example="2")
    if size > len(labels):
        raise ValueError(f"{where!r} has {len(labels)} images, not {size}; size={len(labels)} takes them all")
    fewest = int(np.unique(labels, return_counts=True)[1].min())
    if each > min(size, 2 * fewest if mirrors else fewest):
        raise ValueError(
            f"a batch of {size} from {where!r} cannot have {each} images of a class: the smallest class has "
            f"{fewest}" + (f", which are {2 * fewest} with their mirror images" if mirrors else "")
        )
    # Labels without a gap, so that a class without an image takes no turn.
    places = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return _balanced(places, size, np.random.default_rng(as_seed(seed)), each)


def _pixels(file: Path, side: int) -> NDArray[np.uint8]:
    """Return the square in the middle of an image, shrunk to (side, side, 3)."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            square = ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.BICUBIC)
    except UnidentifiedImageError as error:
        raise ValueError(f"{str(file)!r} is no image; take it out of the folder") from error
    return np.asarray(square)


def _mirrored(pixels: NDArray[np.uint8], turned: bool) -> NDArray[np.uint8]:
    return pixels[:, ::-1] if turned else pixels


def _listed(arrays: dict[str, NDArray[Any]], name: str) -> list[float] | None:
    return [float(value) for value in np.ravel(arrays[name])] if name in arrays else None


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise ValueError(
            f"there is no file {str(path)!r}; numpy.savez({str(path)!r}, x=images, y=labels) makes it"
        )
    try:
        with np.load(path, allow_pickle=False) as opened:
            arrays = dict(opened)
    except (ValueError, TypeError, EOFError, BadZipFile) as error:
        raise ValueError(
            f"{str(path)!r} is no .npz file of numbers; "
            f"numpy.savez({str(path)!r}, x=images, y=labels) makes it"
        ) from error
    missing = {"x", "y"} - set(arrays)
    if missing:
        raise ValueError(
            f"{str(path)!r} holds {', '.join(map(repr, arrays)) or 'nothing'} and lacks "
            f"{' and '.join(map(repr, sorted(missing)))}; "
            f"numpy.savez({str(path)!r}, x=images, y=labels) makes it"
        )
    inputs, classes = arrays["x"], arrays.get("num_classes", np.array(1))
    if inputs.dtype.kind not in "biuf" or inputs.size == 0:
        raise ValueError(
            f"x in {str(path)!r} has the shape {inputs.shape} and the type {inputs.dtype}; it must be "
            "numbers, at least one image, series or sequence of tokens"
        )
    if classes.size != 1 or classes.dtype.kind not in "iu":
        raise ValueError(f"num_classes in {str(path)!r} is {classes}; it must be one whole number")
    return arrays
