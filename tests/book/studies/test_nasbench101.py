"""The cells of NAS-Bench-101 are counted as its authors counted them."""

from itertools import combinations, permutations, product

import pytest

from zsnas.book.studies import nasbench101


def by_hand(vertices):
    """List all labelled cells and keep one of each kind: slow, and written without Burnside's lemma."""
    inner = range(1, vertices + 1)
    start, end = 0, vertices + 1
    edges = [(a, b) for a in (start, *inner) for b in (*inner, end) if a != b]
    kinds = set()
    for size in range(nasbench101.MOST_EDGES + 1):
        for chosen in combinations(edges, size):
            if is_cell(set(chosen), vertices):
                for labels in product(range(3), repeat=vertices):
                    kinds.add(min(numbered(chosen, labels, order) for order in permutations(inner)))
    return len(kinds)


def is_cell(edges, vertices):
    reached, reaching = {0}, {vertices + 1}
    for _ in range(vertices + 1):
        reached |= {b for a, b in edges if a in reached}
        reaching |= {a for a, b in edges if b in reaching}
    left = set(range(vertices + 2))
    while sources := {v for v in left if not any(b == v and a in left for a, b in edges)}:
        left -= sources
    return not left and reached & reaching == set(range(vertices + 2))


def numbered(edges, labels, order):
    place = {0: 0, len(labels) + 1: len(labels) + 1} | dict(
        zip(range(1, len(labels) + 1), order, strict=True)
    )
    relabelled = sorted((place[vertex + 1], label) for vertex, label in enumerate(labels))
    return tuple(sorted((place[a], place[b]) for a, b in edges)), tuple(relabelled)


@pytest.mark.parametrize("vertices", [0, 1, 2, 3])
def test_small_cells_are_those_of_a_list(vertices):
    assert nasbench101._with(vertices) == by_hand(vertices)


def test_one_vertex_on_paper():
    assert nasbench101._with(1) == 6  # three operations, with or without the edge from input to output


def test_all_cells_are_those_that_the_paper_reports():
    assert nasbench101.architectures() == 423_624  # Ying et al. 2019, Section 2
