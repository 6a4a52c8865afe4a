"""The plane's network is cut into exactly the regions that its ReLUs make."""

import numpy as np
import pytest
import torch

import zsnas
from zsnas.book.studies import plane

SEEDS = range(6)  # with seed 5 a neuron is exactly 0 all over a region


@pytest.fixture(params=SEEDS)
def network(request):
    return plane.PlaneNetwork(request.param)


def codes_of(network, places):
    values, bits = torch.tensor(places, dtype=torch.float32), []
    with torch.no_grad():
        for layer in network.hidden:
            values = layer(values).relu()
            bits.append(values > 0)
    return torch.cat(bits, 1).int().numpy()


def test_regions_are_those_of_a_fine_grid(network):
    grid = np.stack(np.meshgrid(*[np.linspace(-0.999, 0.999, 301)] * 2), -1).reshape(-1, 2)
    codes, counts = np.unique(codes_of(network, grid), axis=0, return_counts=True)
    by_code = {region.code: region.area for region in plane.regions(network)}

    assert {tuple(code) for code in codes.tolist()} <= set(by_code)
    for code, count in zip(codes.tolist(), counts, strict=True):
        assert by_code[tuple(code)] == pytest.approx(count / len(grid), abs=0.01)


def test_regions_cover_the_square_once(network):
    found = plane.regions(network)

    assert sum(region.area for region in found) == pytest.approx(1)
    assert len({region.code for region in found}) == len(found)
    assert [region.area for region in found] == sorted((region.area for region in found), reverse=True)


def test_three_lines_make_at_most_seven_regions(network):
    assert len({region.code[:3] for region in plane.regions(network)}) <= 7


def test_every_neuron_of_the_first_layer_switches_inside_the_square(network):
    codes = np.array([region.code for region in plane.regions(network)])

    assert (codes[:, :3].min(axis=0) == 0).all()
    assert (codes[:, :3].max(axis=0) == 1).all()


def test_points_are_found_in_the_region_whose_polygon_holds_them(network):
    batch, found = plane.points(20, seed=3), plane.regions(network)

    for place, number in zip(
        batch.images.flatten(1).numpy(), plane.region_of(network, found, batch), strict=True
    ):
        corners = found[number].corners
        along, towards = np.roll(corners, -1, 0) - corners, place - corners
        assert (along[:, 0] * towards[:, 1] - along[:, 1] * towards[:, 0] > -1e-6).all()


def test_proxies_count_and_compare_the_regions_of_the_points():
    network, batch = plane.PlaneNetwork(31), plane.points(5, 31)
    found = plane.regions(network)
    codes = np.array([found[place].code for place in plane.region_of(network, found, batch)])
    agreement = (codes[:, None] == codes).sum(-1)

    scores = zsnas.score(network, batch, ["linear_regions", "logdet"])

    assert scores["linear_regions"] == len(np.unique(codes, axis=0)) == 5
    assert scores["logdet"] == pytest.approx(np.linalg.slogdet(agreement)[1])


def test_seed_draws_network_and_points():
    same, other = (plane.PlaneNetwork(seed).classifier.weight for seed in (1, 2))

    assert torch.equal(plane.PlaneNetwork(1).classifier.weight, same)
    assert not torch.equal(same, other)
    assert not torch.equal(plane.points(3, 1).images, plane.points(3, 2).images)


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    plane.PlaneNetwork(0)

    assert torch.equal(torch.get_rng_state(), before)


def test_area_and_word_of_a_region():
    region = plane.Region((1, 0, 1, 0, 1, 1), np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]))

    assert region.area == 1 / 8  # half of a unit square, of a square of side 2
    assert region.word == "101 011"
