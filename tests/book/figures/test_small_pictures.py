"""Pictures of small networks, curves and cells show what they are given, and say it in words."""

import pytest
import torch
from torch import nn

from zsnas.book.figures import curves, neurons, skips


def layer(*rows):
    linear = nn.Linear(len(rows[0]), len(rows), bias=False)
    linear.weight.data = torch.tensor(rows, dtype=torch.float32)
    return linear


@pytest.fixture
def found():
    """Return the pixels 3 and -1, their ReLUs, and one output of the weights -2 and 0."""
    network = nn.Sequential(nn.Flatten(), layer([1, 0], [0, 1]), nn.ReLU(), layer([-2, 0]))
    return neurons.columns(network, [3, -1])


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_values_are_followed_through_the_layers(found):
    assert [column.values for column in found] == [[3, -1], [3, 0], [-6]]
    assert [column.shut for column in found] == [[False, False], [False, True], [False]]
    assert found[2].weights == [[-2, 0]]


def test_values_and_weights_other_than_0_are_written(found):
    assert sorted(texts(neurons.drawing(found))) == sorted(["3", "−1", "3", "0", "−6", "1", "1", "−2"])


def test_negative_weights_are_dashed_and_shut_neurons_grey(found):
    axes = neurons.drawing(found).axes[0]
    assert [line.get_linestyle() for line in axes.lines if line.get_linewidth() > 1] == ["-", "-", "--"]
    faces = [patch.get_facecolor() for patch in axes.patches]
    assert [k for k, face in enumerate(faces) if face != faces[0]] == [3]


def test_a_drawing_is_said_in_words(found):
    assert neurons.drawing_alt(found).endswith("of its neurons: 3, −1; 3, 0; −6. ReLUs that are shut: 1.")


def test_a_layer_of_another_kind_is_an_error():
    with pytest.raises(TypeError, match="a Conv2d cannot be drawn; a picture has"):
        neurons.picture(nn.Sequential(nn.Conv2d(1, 1, 1)), [1])


def test_curves_and_points_are_drawn_as_given():
    x, line = [0, 1, 2], [0, 2, 4]
    axes = curves.drawing(x, {"a": line, "b": x}, ("Time", "Way"), {"a": [0, 2, 5]}).axes[0]
    assert [[*drawn.get_ydata()] for drawn in axes.lines] == [line, [0, 2, 5], x]
    assert axes.get_xlabel() == "Time"
    assert curves.drawing_alt(x, {"a": line}, ("Time", "Way")) == "Way against time, 0 to 2: a from 0 to 4."


def test_three_curves_are_too_many():
    with pytest.raises(ValueError, match="3 curves are too many; a picture has 2"):
        curves.picture([0], {"a": [0], "b": [0], "c": [0]}, ("x", "y"))


def test_a_skip_connection_goes_around_at_least_one_value():
    assert skips.possible([2, 4, 4, 2]) == [(0, 2), (0, 3), (1, 3)]


def test_skip_connections_are_solid_and_those_that_could_be_dotted():
    figure = skips.drawing([2, 4, 4, 2], [(0, 3)])
    arcs = [patch for patch in figure.axes[0].patches if hasattr(patch, "get_connectionstyle")][3:]
    assert [arc.get_linestyle() for arc in arcs] == [":", "-", ":"]
    assert texts(figure) == ["2", "4", "4", "2"]
    assert "Of 3 pairs of values that a skip connection could join, 1 are joined" in skips.drawing_alt(
        [2, 4, 4, 2], [(0, 3)]
    )
