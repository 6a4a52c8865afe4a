"""The kernel figure shows every network, and its alt text says on which side of the diagonal they are."""

import numpy as np
import pandas as pd

from zsnas.book.figures import processor as processor_drawing

TABLE = pd.DataFrame({"latency_ms": [1.1, 2.2, 4.5, 2.9], "reference_ms": [1.0, 1.0, 2.0, 2.0]})
PREDICTED = np.array([1.0, 2.0, 3.0, 3.0])


def test_every_network_is_a_point_of_measured_over_predicted():
    axes = processor_drawing.kernel_sums(TABLE, PREDICTED).axes[0]

    points = axes.collections[0].get_offsets()
    np.testing.assert_allclose(points, np.column_stack([PREDICTED, TABLE["latency_ms"]]))
    assert axes.get_xlim() == axes.get_ylim()


def test_the_alt_text_counts_and_divides():
    """1.1 / 1 and 2.2 / 2 where the reference was fast; 4.5 / 3 and 2.9 / 3 where it was slow."""
    text = processor_drawing.kernel_sums_alt(TABLE, PREDICTED)

    assert "4 networks: 3 of them lie above" in text
    assert "1.10 where the reference network was fast, and 1.23 where" in text
