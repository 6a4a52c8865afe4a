"""The map shows the regions, their codes and the points; its words say the same."""

import numpy as np
import pytest

from zsnas import figures
from zsnas.book.figures import plane as plane_drawing
from zsnas.book.studies import plane


@pytest.fixture
def found():
    return plane.regions(plane.PlaneNetwork(31))


@pytest.fixture
def batch():
    return plane.points(5, 31)


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_every_region_is_filled_by_how_many_neurons_are_on(found, batch):
    patches = plane_drawing.region_map(found, batch).axes[0].patches
    by_count = {}
    for region, patch in zip(found, patches, strict=True):
        assert np.allclose(patch.get_xy()[:-1], region.corners)
        by_count.setdefault(sum(region.code), set()).add(patch.get_facecolor())

    assert all(len(colours) == 1 for colours in by_count.values())
    assert len(set.union(*by_count.values())) == len(by_count)


def test_codes_stand_inside_their_regions(found, batch):
    axes = plane_drawing.region_map(found, batch).axes[0]
    written = {text.get_text().replace("\n", " "): text.get_position() for text in axes.texts}
    shown = [region for region in found if region.word in written]

    assert found[0] in shown
    for region in shown:
        along = np.roll(region.corners, -1, 0) - region.corners
        towards = np.array(written[region.word]) - region.corners
        assert (along[:, 0] * towards[:, 1] - along[:, 1] * towards[:, 0] > 0).all()


def test_points_are_numbered_where_they_are(found, batch):
    axes = plane_drawing.region_map(found, batch).axes[0]
    places = {text.get_text(): text.get_position() for text in axes.texts}

    for number, place in enumerate(batch.images.flatten(1).numpy(), start=1):
        assert places[str(number)] == pytest.approx(place)


def test_first_layer_is_solid_and_second_dashed(found, batch):
    axes = plane_drawing.region_map(found, batch).axes[0]
    switches = {line.get_linestyle() for line in axes.lines if len(line.get_xdata()) == 2}

    assert switches == {"-", "--"}
    assert {"A1", "A2", "A3", "B1", "B2", "B3"} <= set(texts(plane_drawing.region_map(found, batch)))


def test_a_switch_is_an_edge_of_two_regions_that_differ_in_its_neuron(found):
    for neuron in range(6):
        for ends in plane_drawing._switches(found, neuron):
            beside = [
                region.code
                for region in found
                if (np.abs(region.corners[:, None] - ends).max(-1).min(0) < 1e-9).all()
            ]
            assert [np.flatnonzero(np.array(beside[0]) != beside[1]).tolist(), len(beside)] == [[neuron], 2]


def test_words_count_regions_and_name_the_largest(found, batch):
    words = plane_drawing.region_map_alt(found, batch)

    assert f"into {len(found)} convex regions" in words
    assert "5 sample points" in words
    assert f"{found[0].word} covers {found[0].area:.0%}" in words


def test_drawings_are_the_same_bytes_each_time(found, batch):
    assert figures.svg(plane_drawing.region_map(found, batch)) == figures.svg(
        plane_drawing.region_map(found, batch)
    )


def test_neuron_drawing_has_every_neuron_and_every_connection():
    figure = plane_drawing.neuron_drawing()

    assert texts(figure) == ["x₁", "x₂", "A1", "A2", "A3", "B1", "B2", "B3", "y₁", "y₂"]
    assert len(figure.axes[0].lines) == 2 * 3 + 3 * 3 + 3 * 2
    assert "x₁ x₂, then A1 A2 A3, then B1 B2 B3, then y₁ y₂" in plane_drawing.neuron_drawing_alt()
