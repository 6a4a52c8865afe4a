import math

import pytest
import torch

from zsnas.batches.tasks import CLASSIFICATION, TASKS


def test_the_seven_tasks_and_the_size_of_their_outputs():
    assert {name: task.outputs for name, task in TASKS.items()} == {
        "class_scene": 47,
        "class_object": 75,
        "room_layout": 9,
        "jigsaw": 1000,
        "segmentsemantic": 17,
        "normal": 3,
        "autoencoder": 3,
    }


def test_only_classification_leaves_its_outputs_to_the_data_set():
    assert [task.fixed_outputs for task in TASKS.values()] == [task.outputs for task in TASKS.values()]
    with pytest.raises(ValueError, match=r"'classification' has no number of outputs.*Batch\.num_classes"):
        _ = CLASSIFICATION.fixed_outputs


def test_which_tasks_are_dense_and_which_have_classes():
    assert [name for name, task in TASKS.items() if task.is_dense] == [
        "segmentsemantic",
        "normal",
        "autoencoder",
    ]
    assert [name for name, task in TASKS.items() if task.has_classes] == [
        "class_scene",
        "class_object",
        "jigsaw",
    ]
    assert CLASSIFICATION.has_classes
    assert not CLASSIFICATION.is_dense


def test_classification_is_cross_entropy_to_the_bit():
    logits, labels = torch.randn(5, 7, generator=torch.Generator().manual_seed(0)), torch.arange(5)
    expected = torch.nn.functional.cross_entropy(logits, labels)
    for name in ("class_scene", "class_object", "jigsaw"):
        assert torch.equal(TASKS[name].loss(logits, labels), expected)
    assert torch.equal(CLASSIFICATION.loss(logits, labels), expected)


# Two pixels, two classes: log 2 where both have the same logit, log(1 + e^-3) where the right one leads.
def test_segmentation_is_the_mean_cross_entropy_over_pixels():
    output = torch.tensor([[[[0.0, 3.0]], [[0.0, 0.0]]]])  # (1, 2 classes, 1, 2)
    expected = (math.log(2) + math.log(1 + math.exp(-3))) / 2
    loss = TASKS["segmentsemantic"].loss(output, torch.tensor([[[1, 0]]]))
    assert loss.item() == pytest.approx(expected)


def test_room_layout_is_the_mean_squared_error():
    loss = TASKS["room_layout"].loss(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 5.0]]))
    assert loss.item() == (1 + 9) / 2


@pytest.mark.parametrize("name", ["normal", "autoencoder"])
def test_an_image_is_compared_after_the_tanh(name):
    loss = TASKS[name].loss(torch.tensor([0.0, 100.0]).view(1, 1, 1, 2), torch.tensor([[[[0.25, 0.5]]]]))
    assert loss.item() == (0.25 + 0.5) / 2
