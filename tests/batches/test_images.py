import hashlib
import importlib.metadata
import pickle
import random
import warnings
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch

from zsnas.batches import Batch, FallbackImages, batch, list_batches
from zsnas.batches import images as module
from zsnas.batches.tasks import CLASSIFICATION, TASKS
from zsnas.sources import MirrorMissingError

REAL = pytest.mark.mirror
CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet16-120": 120}
SAMPLE = {"cifar10": 1024, "cifar100": 1024, "imagenet16-120": 120}
SIDE = {"cifar10": 32, "cifar100": 32, "imagenet16-120": 16}


def forget():
    module._sample.cache_clear()
    module._notice.cache_clear()


@pytest.fixture
def no_images(tmp_path, monkeypatch):
    """Take away the image samples, and forget what this process has read and said."""
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", "")
    monkeypatch.setenv("ZSNAS_CACHE", str(tmp_path / "cache"))
    forget()
    yield
    forget()


@pytest.fixture
def noticed(no_images):  # noqa: ARG001 - no images here either, and the notice is not of interest
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackImages)
        yield


@pytest.fixture
def with_or_without_images(request, name):
    request.getfixturevalue("noticed" if name.startswith("fallback") else "forgotten")
    return name.removeprefix("fallback ")


@pytest.fixture
def forgotten():
    forget()


EVERYWHERE = pytest.mark.parametrize(
    "name", [*(f"fallback {name}" for name in CLASSES), *(pytest.param(name, marks=REAL) for name in CLASSES)]
)


def test_batches_are_listed():
    photographs = [f"photographs-{side}/{task}" for side in (64, 128) for task in TASKS]
    photographs.append("photographs-128/ade20k")
    assert list_batches() == sorted([*CLASSES, "digits", "imagenet1k", "tokens-128", *photographs])


@EVERYWHERE
def test_a_batch_is_contiguous_float32_images_and_int64_labels(with_or_without_images):
    name = with_or_without_images
    drawn = batch(name, 8)
    assert drawn.images.shape == (8, 3, SIDE[name], SIDE[name])
    assert (drawn.images.dtype, drawn.labels.dtype) == (torch.float32, torch.int64)
    assert drawn.images.is_contiguous()
    assert drawn.labels.shape == (8,)
    assert drawn.num_classes == CLASSES[name]
    assert drawn.task is CLASSIFICATION


@EVERYWHERE
def test_a_batch_follows_from_its_seed(with_or_without_images):
    first, again, other = (batch(with_or_without_images, 16, seed) for seed in (5, 5, 6))
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.images, other.images)
    assert not torch.equal(first.labels, other.labels)


@EVERYWHERE
@pytest.mark.parametrize("size", [1, 7, 64, 120])
def test_class_counts_differ_by_at_most_one(with_or_without_images, size):
    name = with_or_without_images
    counts = torch.bincount(batch(name, size, seed=3).labels, minlength=CLASSES[name])
    assert counts.sum() == size
    if name != "cifar100" or size <= 100:  # the sample holds only four images of one class
        assert counts.max() - counts.min() <= 1


@EVERYWHERE
def test_no_global_generator_is_read_or_changed(with_or_without_images):
    torch_state, numpy_state, python_state = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002 - the state that must not change
    drawn = batch(with_or_without_images, 4)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert all(map(np.array_equal, np.random.get_state(), numpy_state))  # noqa: NPY002
    assert random.getstate() == python_state
    torch.rand(1)
    assert torch.equal(batch(with_or_without_images, 4).images, drawn.images)


# A class that runs out leaves its share to the others: of one, two and four images, five are one, two, two.
def test_classes_share_evenly_what_a_small_class_lacks():
    labels = np.array([2, 0, 2, 1, 2, 1, 2])
    for seed in range(20):
        chosen = module._balanced(labels, 5, np.random.default_rng(seed))
        assert len(set(chosen)) == 5
        assert np.bincount(labels[chosen]).tolist() == [1, 2, 2]


def test_the_classes_that_get_one_more_and_the_order_are_drawn():
    labels = np.repeat(np.arange(10), 5)
    drawn = [labels[module._balanced(labels, 12, np.random.default_rng(seed))] for seed in range(30)]
    doubled = {label for order in drawn for label in np.flatnonzero(np.bincount(order) == 2)}
    assert doubled == set(range(10))
    assert len({tuple(order) for order in drawn}) == 30
    assert any(len(set(order[:10])) < 10 for order in drawn)  # the rounds of classes are shuffled together


@EVERYWHERE
@pytest.mark.parametrize(("size", "each", "classes"), [(64, 2, 32), (7, 2, 3), (2, 2, 1), (1, 1, 1)])
def test_so_many_classes_as_fit_have_so_many_images(with_or_without_images, size, each, classes):
    name = with_or_without_images
    drawn = batch(name, size, seed=2, images_per_class=each)
    counts = torch.bincount(drawn.labels)
    assert len(drawn.images) == size
    assert (counts >= each).sum() == min(classes, CLASSES[name])
    assert counts.max() - each <= max(1, size - each * CLASSES[name])
    assert torch.equal(drawn.images, batch(name, size, seed=2, images_per_class=each).images)
    assert len(torch.unique(drawn.images.flatten(1), dim=0)) == size


@pytest.mark.parametrize("name", ["fallback cifar10", pytest.param("cifar10", marks=REAL)])
def test_a_batch_that_has_several_images_of_its_classes_anyway_stays_as_it_is(with_or_without_images):
    plain, several = (batch(with_or_without_images, 64, 3, images_per_class=each) for each in (1, 6))
    assert torch.equal(several.images, plain.images)
    assert torch.equal(several.labels, plain.labels)


# SHA-256 of images and labels, of photographs (whose pixels are resized) of the labels alone, as they were
# before batches could have several images of a class.
ORDINARY = {
    "cifar10": "deec2e07bdb4fbb6",
    "cifar100": "8f7e1fdcec29a2f4",
    "imagenet16-120": "d62aafe1a09b8087",
    "photographs-64/class_scene": "e0dad4e4d2d55991",
    "photographs-64/jigsaw": "c8e0bf587f4de38b",
}


@REAL
@pytest.mark.parametrize("name", list(ORDINARY))
def test_an_ordinary_batch_has_the_bits_that_published_scores_were_computed_on(name):
    drawn = batch(name, 64, 0)
    bits = drawn.labels.numpy().tobytes()
    if not name.startswith("photographs"):
        bits = drawn.images.numpy().tobytes() + bits
    assert hashlib.sha256(bits).hexdigest().startswith(ORDINARY[name])


@REAL
@pytest.mark.parametrize("name", ["imagenet16-120", "imagenet1k"])
def test_the_second_image_of_a_class_of_one_is_its_mirror_image(name):
    drawn = batch(name, 6, seed=4, images_per_class=2)
    assert sorted(torch.bincount(drawn.labels).tolist())[-4:] == [0, 2, 2, 2]
    for label in drawn.labels.unique():
        one, other = drawn.images[drawn.labels == label]
        assert torch.equal(one, other.flip(2))
        assert not torch.equal(one, other)


@REAL
def test_what_is_left_of_a_batch_is_of_further_classes_and_not_mirrored():
    drawn = batch("imagenet16-120", 119, seed=1, images_per_class=2)
    assert sorted(torch.bincount(drawn.labels, minlength=120).tolist()) == [*[0] * 60, 1, *[2] * 59]
    _, labels = module._sample("imagenet16-120")
    alone = next(label for label in drawn.labels.tolist() if (drawn.labels == label).sum() == 1)
    (position,) = np.flatnonzero(labels == alone)
    whole = module._as_batch(*module._sample("imagenet16-120"), module._DATA_SETS["imagenet16-120"], "")
    assert torch.equal(drawn.images[drawn.labels == alone][0], whole.images[position])


# By hand: of one, two and four images, classes 1 and 2 have two; that of one gets a mirror image, at 3 + 7.
def test_only_a_class_that_has_too_few_images_gets_mirror_images():
    labels = np.array([2, 0, 2, 1, 2, 1, 2])
    for seed in range(20):
        chosen = module._balanced(labels, 6, np.random.default_rng(seed), each=2)
        assert sorted(labels[chosen % 7]) == [0, 0, 1, 1, 2, 2]
        assert set(chosen) >= {1, 8, 3, 5}
        assert set(chosen[chosen >= 7]) == {8}
        pairs = module._balanced(labels, 4, np.random.default_rng(seed), each=2)
        assert sorted(np.bincount(labels[pairs % 7])) in ([2, 2], [0, 2, 2])
        assert len(set(pairs)) == 4


def test_which_classes_have_several_images_is_drawn():
    labels = np.repeat(np.arange(10), 5)
    drawn = [labels[module._balanced(labels, 4, np.random.default_rng(seed), each=2)] for seed in range(40)]
    assert {label for order in drawn for label in order} == set(range(10))
    assert all(sorted(np.bincount(order))[-2:] == [2, 2] for order in drawn)
    assert any(order[0] != order[1] for order in drawn)


@REAL
@pytest.mark.parametrize(
    ("name", "each", "ending"),
    [
        ("cifar100", 1, "sample of 1024"),
        ("cifar100", 4, "sample of 1024; 4 images of a class"),
        ("cifar100", 5, "sample of 1024; 5 images of a class, mirrored where the sample has fewer"),
        ("imagenet16-120", 2, "sample of 120; 2 images of a class, mirrored where the sample has fewer"),
        (
            "photographs-64/class_object",
            2,
            "class_object; 2 images of a class, mirrored where the sample has fewer",
        ),
        ("photographs-64/jigsaw", 2, "jigsaw; 2 images of a class"),
        ("photographs-64/normal", 2, "for the task normal"),
    ],
)
def test_the_source_says_that_classes_have_several_images(name, each, ending):
    first = batch(name, 8, 0, images_per_class=each).source
    assert first.endswith(ending)
    assert first == batch(name, 11, 3, images_per_class=each).source


@pytest.mark.usefixtures("noticed")
def test_the_source_of_photographs_says_that_classes_have_several():
    assert batch("cifar100", images_per_class=2).source.endswith("random labels; 2 images of a class")


@pytest.mark.parametrize(
    ("size", "each", "message"),
    [
        (4, 0, "images_per_class is 0; it must be a whole number, at least 1, for example 2"),
        (4, 1.5, "images_per_class is 1.5; it must be a whole number"),
        (4, None, "images_per_class is None; it must be a whole number"),
        (
            4,
            5,
            "a batch of 4 cannot have 5 images of a class; take a size of 5 or more, or images_per_class",
        ),
        pytest.param(
            *(
                4,
                3,
                "images_per_class is 3 in a batch of 'imagenet16-120'; it must be from 1 to 2: so many",
            ),
            marks=REAL,
        ),
    ],
)
def test_so_many_images_of_a_class_cannot_be_had(size, each, message):
    with pytest.raises(ValueError, match=message):
        batch("imagenet16-120", size, images_per_class=each)


def test_occurrence_counts_what_came_before():
    assert module._occurrence(np.array([7, 7, 3, 7, 3])).tolist() == [0, 1, 0, 2, 1]


# By hand: channel c of a pixel v is (v - mean_c) / deviation_c, with the values of CIFAR-10.
def test_normalisation_is_per_channel_on_the_scale_of_bytes():
    images = np.zeros((1, 2, 2, 3), dtype=np.uint8)
    images[0, 1, 0] = [125, 185, 47]
    normalised = module._as_batch(images, np.array([0]), module._DATA_SETS["cifar10"], "").images
    expected = [(125 - 125.3) / 63.0, (185 - 123.0) / 62.1, (47 - 113.9) / 66.7]
    torch.testing.assert_close(normalised[0, :, 1, 0], torch.tensor(expected))
    torch.testing.assert_close(
        normalised[0, :, 0, 1], torch.tensor([-125.3 / 63.0, -123.0 / 62.1, -113.9 / 66.7])
    )


@REAL
@pytest.mark.parametrize("name", list(CLASSES))
def test_the_whole_sample_is_about_standardised(name):
    images = batch(name, SAMPLE[name]).images.double()
    assert images.mean((0, 2, 3)).abs().max() < 0.1
    assert (images.std((0, 2, 3)) - 1).abs().max() < 0.1


@REAL
def test_images_keep_their_labels():
    pixels, labels = module._sample("cifar10")
    drawn = batch("cifar10", 20, seed=1)
    whole = module._as_batch(pixels, labels, module._DATA_SETS["cifar10"], "")
    for image, label in zip(drawn.images, drawn.labels, strict=True):
        position = int((whole.images == image).all(dim=3).all(dim=2).all(dim=1).nonzero()[0])
        assert label == labels[position]


@REAL
@pytest.mark.parametrize("name", list(CLASSES))
def test_the_sample_is_as_large_as_stated(name):
    images, labels = module._sample(name)
    assert len(images) == len(labels) == SAMPLE[name] == module._DATA_SETS[name].sample
    assert labels.max() < CLASSES[name]


@EVERYWHERE
def test_the_source_is_the_same_for_every_size_and_seed(with_or_without_images):
    assert batch(with_or_without_images, 3, 0).source == batch(with_or_without_images, 5, 9).source


@REAL
def test_the_source_says_what_the_images_are():
    assert (
        batch("cifar100").source == "CIFAR-100: training images, class-balanced, from a random sample of 1024"
    )


@pytest.mark.usefixtures("noticed")
def test_the_source_says_that_photographs_take_the_place_of_a_data_set():
    source = batch("cifar100").source
    assert source.startswith("not CIFAR-100: patches of photographs that ship with scikit-image (astronaut,")
    assert source.endswith("with balanced random labels")


@pytest.mark.usefixtures("no_images")
def test_the_fallback_is_noticed_once_a_data_set():
    with pytest.warns(FallbackImages, match=r"in place of CIFAR-10 images.*ZSNAS_DATA_MIRROR") as notices:
        assert batch("cifar10").source == batch("cifar10", seed=1).source
    assert len(notices) == 1
    assert notices[0].filename == __file__
    with pytest.warns(FallbackImages, match="in place of ImageNet16-120 images"):
        batch("imagenet16-120")


@pytest.fixture
def cifar(monkeypatch, tmp_path):
    """Write twelve images in the layout of CIFAR-10, with the hashes that torchvision expects of them."""
    from torchvision import datasets

    pixels = np.random.default_rng(0).integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    contents = {
        "data_batch_1": {"data": pixels[:8].reshape(8, -1), "labels": [k % 4 for k in range(8)]},
        "data_batch_2": {"data": pixels[8:].reshape(4, -1), "labels": [k % 4 for k in range(4)]},
        "batches.meta": {"label_names": [f"class {k}" for k in range(10)]},
    }
    hashes = {}
    for name, content in contents.items():
        written = pickle.dumps(content)
        (folder / name).write_bytes(written)
        hashes[name] = hashlib.md5(written, usedforsecurity=False).hexdigest()
    meta = {"filename": "batches.meta", "key": "label_names", "md5": hashes.pop("batches.meta")}
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [list(pair) for pair in hashes.items()])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [])
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    monkeypatch.setenv("ZSNAS_TORCHVISION", str(tmp_path))
    return pixels


@pytest.mark.usefixtures("no_images")
def test_the_images_of_torchvision_take_the_place_of_the_mirrors(cifar):
    found = batch("cifar10", 12, seed=3)
    data_set = module._DATA_SETS["cifar10"]
    mean, deviation = (np.array(c)[:, None, None] for c in (data_set.mean, data_set.deviation))
    expected = sorted(((image - mean) / deviation).sum() for image in cifar)
    assert sorted(found.images.double().sum((1, 2, 3)).tolist()) == pytest.approx(expected, rel=1e-4)
    assert found.labels.bincount(minlength=10).tolist() == [3, 3, 3, 3, 0, 0, 0, 0, 0, 0]
    assert found.source == "CIFAR-10: training images, class-balanced, from a random sample of 12"


@pytest.mark.usefixtures("no_images")
def test_a_folder_without_cifar_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("ZSNAS_TORCHVISION", str(tmp_path))
    with pytest.warns(FallbackImages, match="torchvision has no CIFAR100: torchvision"):
        batch("cifar100")


@pytest.mark.usefixtures("no_images")
def test_a_mistyped_mirror_is_not_papered_over(monkeypatch, tmp_path):
    monkeypatch.setenv("ZSNAS_DATA_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(MirrorMissingError, match="nowhere"):
        batch("cifar10")


def test_the_photographs_are_in_the_wheel_of_scikit_image():
    files = {
        path.name for path in importlib.metadata.files("scikit-image") or [] if path.parent.name == "data"
    }
    assert set(module._PHOTOGRAPHS) <= files


# The patch is the mean of blocks of 4×4 pixels: a photograph whose blocks are constant gives the constants.
def test_a_patch_is_a_random_window_shrunk_four_times(monkeypatch):
    blocks = np.arange(8 * 8 * 3).reshape(8, 8, 3)
    photograph = blocks.repeat(4, axis=0).repeat(4, axis=1)
    monkeypatch.setattr(module, "_photographs", lambda: [photograph])
    monkeypatch.setattr(module, "_PHOTOGRAPHS", ("one",))
    np.testing.assert_array_equal(module._patch(8, np.random.default_rng(0)), blocks)
    corners = {module._patch(6, np.random.default_rng(seed))[0, 0, 0] for seed in range(30)}
    assert len(corners) > 10


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *(("cifar10", 0), ("cifar100", -1), ("cifar10", 1025), ("imagenet16-120", 121)),
        *(("cifar10", 64.0), ("cifar10", "64"), ("cifar10", None)),
    ],
)
def test_a_size_outside_the_sample_is_an_error(name, size):
    with pytest.raises(
        ValueError, match=f"a batch of '{name}' has from 1 to {SAMPLE[name]} images, not {size}"
    ):
        batch(name, size)


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"unknown batch 'cifar-100'; did you mean 'cifar100'\?"):
        batch("cifar-100")


@pytest.mark.usefixtures("noticed")
def test_a_batch_cannot_be_reassigned():
    drawn = batch("cifar10", 2)
    with pytest.raises(FrozenInstanceError):
        drawn.source = "elsewhere"


# --- photographs for the tasks of TransNAS-Bench-101

TASKS_EVERYWHERE = pytest.mark.parametrize(
    "name",
    [
        *(f"fallback photographs-64/{task}" for task in TASKS),
        *(pytest.param(f"photographs-64/{task}", marks=REAL) for task in TASKS),
    ],
)
TARGETS = {
    "class_scene": ((6,), torch.int64),
    "class_object": ((6,), torch.int64),
    "room_layout": ((6, 9), torch.float32),
    "jigsaw": ((6,), torch.int64),
    "segmentsemantic": ((6, 64, 64), torch.int64),
    "normal": ((6, 3, 64, 64), torch.float32),
    "autoencoder": ((6, 3, 64, 64), torch.float32),
}


@TASKS_EVERYWHERE
def test_a_task_has_images_and_targets_of_its_shape(with_or_without_images):
    task = TASKS[with_or_without_images.removeprefix("photographs-64/")]
    drawn = batch(with_or_without_images, 6)
    shape = (6, 27, 32, 32) if task.name == "jigsaw" else (6, 3, 64, 64)
    assert (tuple(drawn.images.shape), drawn.images.dtype) == (shape, torch.float32)
    assert (tuple(drawn.labels.shape), drawn.labels.dtype) == TARGETS[task.name]
    assert drawn.images.is_contiguous()
    assert drawn.labels.is_contiguous()
    assert (drawn.task, drawn.num_classes) == (task, task.outputs)
    if drawn.labels.dtype == torch.int64:
        assert drawn.labels.min() >= 0
        assert drawn.labels.max() < task.outputs


@TASKS_EVERYWHERE
def test_a_batch_of_a_task_follows_from_its_seed_alone(with_or_without_images):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must not change
    first, again, other = (batch(with_or_without_images, 4, seed) for seed in (5, 5, 6))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.images, other.images)
    assert first.source == other.source == batch(with_or_without_images, 2).source


@TASKS_EVERYWHERE
def test_a_task_with_classes_has_several_images_of_them(with_or_without_images):
    name = with_or_without_images
    task = TASKS[name.removeprefix("photographs-64/")]
    drawn = batch(name, 8, seed=3, images_per_class=2)
    if task.has_classes:
        assert (
            torch.bincount(drawn.labels) >= 2
        ).sum() >= 3  # jigsaw: two of four drawn ones may be the same
        assert len(torch.unique(drawn.images.flatten(1), dim=0)) == 8
    else:
        assert torch.equal(drawn.images, batch(name, 8, seed=3).images)
        assert torch.equal(drawn.labels, batch(name, 8, seed=3).labels)


@pytest.mark.parametrize("task", [CLASSIFICATION, *TASKS.values()], ids=lambda task: task.name)
def test_only_a_task_of_classes_refuses_labels_with_fractions(task):
    labels = torch.full((2, 4, 4) if task.is_dense else (2, task.outputs) if task.has_numbers else (2,), 0.5)
    settings = torch.zeros(2, 3, 4, 4), labels, task.outputs or 2, "by hand", task
    if task.criterion != "cross_entropy":
        assert torch.equal(Batch(*settings).labels, labels)
        return
    with pytest.raises(ValueError, match=f"for {task.name} of 2 images there must be 2, whole numbers"):
        Batch(*settings)


@REAL
def test_photographs_come_at_two_sizes_of_which_the_small_one_is_the_other_shrunk():
    small, large = (batch(f"photographs-{side}/autoencoder", 5, seed=1) for side in (64, 128))
    assert large.images.shape == (5, 3, 128, 128)
    shrunk = torch.nn.functional.avg_pool2d(large.images, 2)
    assert (shrunk - small.images).abs().mean() < 0.03  # of a range of 2


# A photograph of a single colour stays so, whatever its new side: 51 of 255 is 0.2.
def test_shrinking_keeps_colours_on_the_scale_0_to_1():
    pixels = np.full((2, 224, 224, 3), 51, dtype=np.uint8)
    assert module._shrunk(pixels, 64).shape == (2, 64, 64, 3)
    np.testing.assert_allclose(module._shrunk(pixels, 64), 0.2, rtol=1e-6)


@REAL
def test_no_photograph_is_twice_in_a_batch():
    images = batch("photographs-64/autoencoder", 128).images
    assert len(torch.unique(images.flatten(1), dim=0)) == 128


@REAL
def test_the_class_of_a_photograph_is_its_imagenet_class_modulo_the_classes_of_the_task():
    _, classes = module._sample("imagenet1k")
    whole = batch("photographs-64/class_object", 128).labels
    assert sorted(whole.tolist()) == sorted((classes % 75).tolist())


@REAL
def test_the_source_of_photographs_says_that_the_target_is_built():
    assert batch("photographs-64/normal", 1).source == (
        "photographs of ImageNet-1K, from a random sample of 128, shrunk to 64 × 64, "
        "with a target built for the task normal"
    )


@pytest.mark.usefixtures("no_images")
def test_photographs_fall_back_on_those_of_scikit_image_with_one_notice():
    with pytest.warns(FallbackImages, match=r"in place of ImageNet-1K images") as notices:
        drawn = batch("photographs-64/normal", 1)
    assert notices[0].filename == __file__
    assert drawn.source.startswith("patches of photographs that ship with scikit-image, shrunk to 64 × 64")
    batch("photographs-128/jigsaw", 1)  # a second notice would be an error


@pytest.mark.parametrize("size", [0, 129])
def test_there_are_128_photographs(size):
    with pytest.raises(ValueError, match=f"'photographs-64/normal' has from 1 to 128 images, not {size}"):
        batch("photographs-64/normal", size)


def test_an_unknown_task_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"did you mean 'photographs-64/segmentsemantic'\?"):
        batch("photographs-64/segmentation")
