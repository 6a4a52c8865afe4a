import numpy as np
import pytest

from zsnas.batches.targets import (
    SLOPE,
    Photographs,
    colour_clusters,
    examples,
    permutations,
    segments,
    shuffle_tiles,
    side_of_photographs,
    surface_normals,
)
from zsnas.batches.tasks import TASKS, Task


@pytest.fixture
def photographs():
    pixels = np.random.default_rng(0).uniform(size=(20, 12, 12, 3))
    return Photographs(pixels, np.arange(20) * 10)


def made(name, photographs, chosen=(3, 1, 4), seed=0):
    return examples(TASKS[name], photographs, np.array(chosen), np.random.default_rng(seed))


@pytest.mark.parametrize("name", TASKS)
def test_examples_follow_from_the_generator(name, photographs):
    first, again = made(name, photographs), made(name, photographs)
    assert all(map(np.array_equal, first, again))


@pytest.mark.parametrize(("name", "classes"), [("class_scene", 47), ("class_object", 75)])
def test_a_photograph_keeps_its_class_modulo_the_number_of_classes(name, classes, photographs):
    _, labels = made(name, photographs, chosen=(3, 19, 8))
    assert labels.tolist() == [30, 190 % classes, 80 % classes]


# By hand: on the scale 0 to 1, the benchmark's mean and deviation of every channel.
def test_classification_and_room_layout_are_normalised_with_the_statistics_of_taskonomy():
    grey = Photographs(np.full((1, 2, 2, 3), 0.6), np.zeros(1, dtype=np.int64))
    expected = [(0.6 - 0.5224) / 0.2234, (0.6 - 0.5222) / 0.2235, (0.6 - 0.5221) / 0.2236]
    for name in ("class_scene", "class_object", "room_layout"):
        images, _ = made(name, grey, chosen=[0])
        np.testing.assert_allclose(images[0, :, 1, 0], expected)


@pytest.mark.parametrize("name", ["segmentsemantic", "normal", "autoencoder"])
def test_images_of_dense_tasks_are_on_the_scale_minus_one_to_one(name):
    pixels = np.zeros((17, 1, 1, 3))
    pixels[:, 0, 0, 0] = np.linspace(0, 1, 17)
    images, _ = made(name, Photographs(pixels, np.arange(17)), chosen=[0, 16])
    assert images[:, :, 0, 0].tolist() == [[-1, -1, -1], [1, -1, -1]]


def test_a_task_without_a_target_is_refused_with_the_valid_ones(photographs):
    with pytest.raises(
        ValueError, match=r"no target for the task 'depth'; valid are class_scene, .*autoencoder"
    ):
        examples(Task("depth", 1, "image"), photographs, np.array([0]), np.random.default_rng(0))


def test_an_autoencoder_is_to_give_back_its_input(photographs):
    images, targets = made("autoencoder", photographs)
    assert images.shape == (3, 3, 12, 12)
    assert np.array_equal(images, targets)


def test_room_layout_is_nine_standard_normal_numbers_of_each_batch(photographs):
    _, targets = made("room_layout", photographs, chosen=[0] * 2000)
    assert targets.shape == (2000, 9)
    assert abs(targets.mean()) < 0.03
    assert abs(targets.std() - 1) < 0.03
    assert not np.array_equal(targets, made("room_layout", photographs, chosen=[0] * 2000, seed=1)[1])


# --- jigsaw


def test_there_are_a_thousand_different_permutations():
    assert permutations().shape == (1000, 9)
    assert len({tuple(order) for order in permutations()}) == 1000
    assert (np.sort(permutations(), axis=1) == np.arange(9)).all()


# A 3×3 image has tiles of one pixel: 0 1 2 / 3 4 5 / 6 7 8, in the order that is given.
def test_tiles_are_counted_row_by_row_and_laid_in_the_order_given():
    image = np.arange(9.0).reshape(1, 1, 3, 3)
    order = np.array([[8, 0, 3, 1, 2, 4, 5, 6, 7]])
    assert shuffle_tiles(image, order)[0, :, 0, 0].tolist() == order[0].tolist()


def test_a_tile_keeps_its_pixels_and_channels_together():
    image = np.arange(2 * 6 * 6.0).reshape(1, 2, 6, 6)
    order = np.array([[4, 0, 1, 2, 3, 5, 6, 7, 8]])
    tiles = shuffle_tiles(image, order)
    assert tiles.shape == (1, 18, 2, 2)
    np.testing.assert_array_equal(tiles[0, :2], image[0, :, 2:4, 2:4])  # tile 4 is the middle one
    np.testing.assert_array_equal(tiles[0, 2:4], image[0, :, :2, :2])


def test_the_label_of_a_puzzle_is_the_order_of_its_tiles(photographs):
    puzzles, labels = made("jigsaw", photographs, chosen=(5, 5))
    assert labels.dtype == np.int64
    assert labels[0] != labels[1]
    image = photographs.pixels[5].transpose(2, 0, 1)[None]
    for puzzle, label in zip(puzzles, labels, strict=True):
        np.testing.assert_array_equal(puzzle, shuffle_tiles(image, permutations()[[label]])[0])


def test_the_tiles_of_a_jigsaw_have_half_the_side_of_an_image():
    assert [side_of_photographs(TASKS["jigsaw"], side) for side in (64, 128)] == [3 * 32, 3 * 64]
    assert side_of_photographs(TASKS["normal"], 64) == 64


# --- segmentation


def test_a_pixel_belongs_to_the_segment_of_the_nearest_colour():
    centres = np.array([[0.0, 0, 0], [1, 1, 1], [1, 0, 0]])
    pixels = np.array([[[[0.9, 0.2, 0.1], [0.1, 0, 0.2]], [[0.9, 0.8, 1], [0.6, 0.1, 0]]]])
    assert segments(pixels, centres).tolist() == [[[2, 0], [1, 2]]]


def test_clusters_are_the_colours_that_there_are():
    colours = np.random.default_rng(1).uniform(size=(17, 3))
    pixels = np.repeat(colours, 24, axis=0).reshape(17, 4, 6, 3)
    found = colour_clusters(Photographs(pixels, np.arange(17)), 17)
    assert found.shape == (17, 3)
    distances = np.linalg.norm(found[:, None] - colours, axis=2)
    assert np.median(distances.min(axis=1)) < 1e-12  # k-means may join two of them


def test_an_image_has_the_same_segments_in_every_batch(photographs):
    _, together = made("segmentsemantic", photographs, chosen=(3, 1), seed=0)
    _, alone = made("segmentsemantic", photographs, chosen=(1,), seed=1)
    np.testing.assert_array_equal(together[1], alone[0])
    assert together.dtype == np.int64
    assert together.shape == (2, 12, 12)


# --- surface normals


def test_normals_have_unit_length_and_face_the_viewer():
    normals = surface_normals(64, np.random.default_rng(0))
    assert normals.shape == (3, 64, 64)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=0), 1)
    assert (normals[2] > 0).all()


# A normal (-a, -b, 1) / length has the slopes a along the columns and b along the rows. They are those of one
# surface if a changes along the rows as b changes along the columns, here by central differences.
def test_normals_are_those_of_a_smooth_surface_of_a_given_slope():
    normals = surface_normals(512, np.random.default_rng(0))
    along, down = -normals[0] / normals[2], -normals[1] / normals[2]
    assert np.sqrt((along**2 + down**2).mean()) == pytest.approx(SLOPE)
    mixed, other = np.gradient(along, axis=0)[1:-1, 1:-1], np.gradient(down, axis=1)[1:-1, 1:-1]
    assert np.abs(mixed - other).max() < 0.01 * np.abs(mixed).max()
    assert np.abs(np.diff(along, axis=1)).max() < 0.1 * SLOPE


def test_every_image_has_a_surface_of_its_own_on_the_scale_0_to_1(photographs):
    _, targets = made("normal", photographs)
    assert targets.shape == (3, 3, 12, 12)
    assert targets.min() >= 0
    assert targets.max() <= 1
    assert not np.array_equal(targets[0], targets[1])
    assert (targets[:, 2] > 0.5).all()
