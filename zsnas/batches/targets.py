"""Targets built for photographs, since those of Taskonomy (TransNAS-Bench-101) and ADE20K are unavailable.

==================  ==================================================================================
``class_scene``,    The class of the photograph modulo the number of the task's classes: an image keeps
``class_object``    its class whatever the batch, but unrelated classes share one.
``room_layout``     Nine standard normal numbers, drawn for the batch; they have nothing to do with the image.
``jigsaw``          Which of 1,000 permutations the nine tiles are in. The permutations are drawn once and for
                    all, the permutation of an image for the batch.
``segmentsemantic`` One of 17 segments for each pixel: k-means clusters of the colours of all photographs.
``ade20k``          The same with 150 segments.
``normal``          The normals of a smooth random surface, drawn for the batch, on the scale 0 to 1; they
                    have nothing to do with the image.
``autoencoder``     The image itself.
==================  ==================================================================================

Shapes, types and image normalisation (on the scale 0 to 1: mean and deviation of every channel) are those of
the training code of the benchmark (github.com/yawen-d/TransNASBench).
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from zsnas.batches.tasks import ADE20K, TASKS, Task

TILES_A_SIDE = 3
WAVES = 6
HIGHEST_FREQUENCY = 3.0  # waves that fit along an image
SLOPE = 1.5  # the root mean square of the surface's slope
COLOURS = 50_000  # pixels that the clusters are fitted to
ITERATIONS = 20

# Mean and deviation of red, green and blue on the scale 0 to 1.
_TASKONOMY = ((0.5224, 0.5222, 0.5221), (0.2234, 0.2235, 0.2236))
_TO_ONE = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # from -1 to 1
_UNCHANGED = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


class Photographs(NamedTuple):
    """All photographs that batches are drawn from.

    Attributes
    ----------
    pixels
        On the scale 0 to 1.
    """

    pixels: Float64[np.ndarray, " n side side 3"]
    classes: Int64[np.ndarray, " n"]


def side_of_photographs(task: Task, side: int) -> int:
    """Return how large photographs must be for images of a side; a jigsaw's tiles are half as large."""
    return side // 2 * TILES_A_SIDE if task.head == "jigsaw" else side


def examples(
    task: Task,
    photographs: Photographs,
    chosen: Int64[np.ndarray, " size"],
    rng: np.random.Generator,
    images_per_class: int = 1,
) -> tuple[Float64[np.ndarray, " size channels height width"], Shaped[np.ndarray, " size *target"]]:
    """Return network inputs and targets for the chosen photographs.

    Targets are int64 where they are classes, float64 otherwise; shapes as :meth:`Task.loss` says. Of a
    jigsaw, whose classes are drawn here, at least `images_per_class` images share each.

    Parameters
    ----------
    task
        One of those of TransNAS-Bench-101, or ADE20K.
    photographs
        With the class of each.
    chosen
        Positions of photographs.
    rng
        Draws what a task has at random.
    images_per_class
        The fewest images that share a class of a jigsaw.

    Raises
    ------
    ValueError
        When the task is none of these.
    """
    pixels = photographs.pixels[chosen]
    mean, deviation = _TO_ONE if task.is_dense else _UNCHANGED if task.head == "jigsaw" else _TASKONOMY
    images = ((pixels - mean) / deviation).transpose(0, 3, 1, 2)
    match task.name:
        case "class_scene" | "class_object":
            return images, photographs.classes[chosen] % task.fixed_outputs
        case "room_layout":
            return images, rng.standard_normal((len(images), task.fixed_outputs))
        case "jigsaw":
            drawn = rng.integers(len(permutations()), size=len(images) // images_per_class)
            order = np.resize(drawn, len(images))
            return shuffle_tiles(images, permutations()[order]), order
        case "segmentsemantic" | "ade20k":
            return images, segments(pixels, colour_clusters(photographs, task.fixed_outputs))
        case "normal":
            return images, np.stack([(surface_normals(images.shape[-1], rng) + 1) / 2 for _ in images])
        case "autoencoder":
            return images, images
        case _:
            raise ValueError(
                f"there is no target for the task {task.name!r}; valid are {', '.join([*TASKS, ADE20K.name])}"
            )


@cache
def permutations() -> Int64[np.ndarray, "1000 9"]:
    """Return the orders of nine tiles that the jigsaw task tells apart."""
    rng = np.random.default_rng(0)
    wanted = TASKS["jigsaw"].fixed_outputs
    drawn = rng.permuted(np.tile(np.arange(TILES_A_SIDE**2), (2 * wanted, 1)), axis=1)
    return np.asarray(rng.permutation(np.unique(drawn, axis=0))[:wanted])


def shuffle_tiles(
    images: Float64[np.ndarray, " size channels side side"], orders: Int64[np.ndarray, " size 9"]
) -> Float64[np.ndarray, " size 9*channels side//3 side//3"]:
    """Cut images into nine tiles and lay them one behind the other.

    Tile ``orders[i, k]`` of image i, counted row by row, comes at place k.
    """
    size, channels, side, _ = images.shape
    tile = side // TILES_A_SIDE
    cut = images.reshape(size, channels, TILES_A_SIDE, tile, TILES_A_SIDE, tile)
    tiles = cut.transpose(0, 2, 4, 1, 3, 5).reshape(size, TILES_A_SIDE**2, channels, tile, tile)
    ordered = np.take_along_axis(tiles, orders[:, :, None, None, None], axis=1)
    return ordered.reshape(size, -1, tile, tile)


def colour_clusters(photographs: Photographs, clusters: int) -> Float64[np.ndarray, "{clusters} 3"]:
    """Return the colours that k-means finds in a part of all pixels, the same at every call."""
    from scipy.cluster.vq import kmeans2

    colours = photographs.pixels.reshape(-1, 3)
    rng = np.random.default_rng(0)
    some = colours[rng.choice(len(colours), min(COLOURS, len(colours)), replace=False)]
    return np.asarray(kmeans2(some, clusters, iter=ITERATIONS, minit="++", rng=rng)[0])


def segments(
    pixels: Float64[np.ndarray, " size height width 3"], centres: Float64[np.ndarray, " clusters 3"]
) -> Int64[np.ndarray, " size height width"]:
    """Return for each pixel the number of the nearest colour."""
    from scipy.cluster.vq import vq

    nearest = vq(pixels.reshape(-1, 3), centres)[0].astype(np.int64)
    return np.asarray(nearest.reshape(pixels.shape[:-1]))


def surface_normals(side: int, rng: np.random.Generator) -> Float64[np.ndarray, "3 {side} {side}"]:
    """Return the unit normals of a random surface, a sum of a few long waves.

    The components are along the columns, along the rows and towards the viewer, which is positive.
    """
    down, along = np.meshgrid(np.arange(side) / side, np.arange(side) / side, indexing="ij")
    frequencies = 2 * np.pi * rng.uniform(-HIGHEST_FREQUENCY, HIGHEST_FREQUENCY, (WAVES, 2, 1, 1))
    phases = frequencies[:, 0] * along + frequencies[:, 1] * down + rng.uniform(0, 2 * np.pi, (WAVES, 1, 1))
    slopes = (rng.standard_normal((WAVES, 1, 1, 1)) * frequencies * np.cos(phases)[:, None]).sum(axis=0)
    slopes *= SLOPE / np.sqrt(np.square(slopes).sum(axis=0).mean())
    normals = np.concatenate([-slopes, np.ones((1, side, side))])
    return np.asarray(normals / np.linalg.norm(normals, axis=0))
