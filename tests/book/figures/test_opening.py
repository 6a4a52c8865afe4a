"""The figures of the front page and the opening chapter."""

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from zsnas.book.figures import opening


def test_each_kind_of_search_has_its_points_and_its_entry_in_the_legend():
    points = pd.DataFrame(
        {
            "kind": ["multi-shot", "one-shot", "one-shot", "zero-shot"],
            "search_kg_co2": [300.0, 3.0, 30.0, 0.01],
            "imagenet1k_top1": [80.0, 75.0, 76.0, 73.0],
            "gmacs": [1.0, 2.0, 4.0, 0.5],
        }
    )
    figure = opening.search_costs(points)

    drawn = [scatter.get_offsets() for scatter in figure.axes[0].collections[::2]]
    assert [len(one) for one in drawn] == [1, 2, 1]
    assert [tuple(place) for place in drawn[1]] == [(3, 75), (30, 76)]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(opening.KINDS)


def test_a_line_is_drawn_for_each_operation():
    figure = opening.mixing_weights(pd.DataFrame({"skip": [0.5, 0.2], "convolution": [0.5, 0.8]}))
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[0.5, 0.2], [0.5, 0.8]]


def test_the_frame_is_around_the_middle():
    figure = opening.kernel(np.ones((5, 5)), 3)
    [frame] = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    # Pixels 1 to 3 of 0 to 4, each from half before to half after its place.
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((0.5, 0.5), 3, 3)


def test_slopes_go_from_all_to_the_top():
    pairs = pd.DataFrame(
        {"all": [0.5, 0.6], "top": [0.1, 0.2]},
        pd.MultiIndex.from_tuples([("a", "params"), ("a", "snip")], names=["benchmark", "proxy"]),
    )
    figure = opening.top_slopes(pairs, {"a": "First", "absent": "Second"})

    assert [axes.get_title(loc="left") for axes in figure.axes] == ["First"]
    lines = [list(line.get_ydata()) for line in figure.axes[0].lines if len(line.get_ydata()) == 2]
    assert [0.5, 0.1] in lines
    assert [0.6, 0.2] in lines
