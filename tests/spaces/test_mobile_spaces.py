"""The two spaces of inverted residual blocks, and the truth that belongs to one of them."""

import random
import re

import pytest
import torch

from zsnas.batches import Batch
from zsnas.benchmarks import accel_nasbench, benchmark
from zsnas.proxies import score
from zsnas.sources import fetch
from zsnas.spaces import proxyless, space
from zsnas.spaces._base import Counts

PROXYLESS, ACCEL = space("proxyless"), space("accel-nasbench")
SMALLEST = "w50-k3e3-k3e3-k3e3-k3e3-k3e3-k3e3"
EXCITED = "e1k5l1s-e4k3l2-e1k3l1-e6k3l1s-e1k3l1-e4k5l2-e1k3l3s"


def drawn(cells, count):
    rng = random.Random(0)
    return [cells.sample(rng) for _ in range(count)]


@pytest.mark.parametrize("side", [32, 45])
@pytest.mark.parametrize(
    ("cells", "arch"),
    [
        (PROXYLESS, SMALLEST),
        (PROXYLESS, drawn(PROXYLESS, 1)[0]),
        (ACCEL, EXCITED),
        (ACCEL, drawn(ACCEL, 1)[0]),
    ],
)
def test_the_formula_counts_what_the_proxies_count(cells, arch, side):
    image = Batch(torch.zeros(1, 3, side, side), torch.zeros(1, dtype=torch.int64), 7, "black")
    found = score(cells.build(arch, 7, seed=0), image, ["params", "flops"])
    assert cells.counts(arch, 7, side) == (found["params"], found["flops"])


@pytest.mark.parametrize("cells", [PROXYLESS, ACCEL])
def test_samples_and_neighbours_are_architectures_and_neighbours_are_mutual(cells):
    for arch in drawn(cells, 20):
        assert cells.canonical(arch) == arch
        neighbours = cells.neighbours(arch)
        assert len(set(neighbours)) == len(neighbours)
        assert arch not in neighbours
        assert all(cells.canonical(other) == other for other in neighbours)
        assert cells.mutate(arch, random.Random(0)) in neighbours
    assert len(set(drawn(cells, 20))) == 20


# 1 wider, and for each of the six blocks 1 kernel and 1 expansion, and for each of five stages 1 more block.
def test_the_smallest_network_has_so_many_neighbours():
    assert len(PROXYLESS.neighbours(SMALLEST)) == 1 + 6 * 2 + 5


# MobileNet-v2's rule: multiples of 8, not below 90 %. 24 at 75 % is 18 → 16 would be below 16.2, so 24.
@pytest.mark.parametrize(
    ("channels", "width", "scaled"), [(32, 100, 32), (24, 75, 24), (16, 50, 8), (40, 125, 48)]
)
def test_scaled_channels(channels, width, scaled):
    assert proxyless.scaled(channels, width) == scaled


def test_a_space_that_cannot_be_listed_says_what_to_do_instead():
    with pytest.raises(ValueError, match=r"2\.7e\+17 architectures.*sample\(random\.Random\(seed\)\)"):
        _ = PROXYLESS.architectures


@pytest.mark.parametrize(
    ("cells", "arch", "why"),
    [
        (PROXYLESS, "w99" + SMALLEST[3:], "the width is 'w99'; valid are w50, w75"),
        (PROXYLESS, SMALLEST[:-5], "it has 5 stages instead of 6"),
        (PROXYLESS, SMALLEST + ".k3e3", "stage 6 has 2 blocks; it has at most 1"),
        (PROXYLESS, SMALLEST[:-4] + "k4e3", "stage 6 has a block 'k4e3'"),
        (ACCEL, EXCITED[:-9], "it has 6 stages instead of 7"),
        (ACCEL, EXCITED.replace("l3s", "l4s"), "stage 7 is 'e1k3l4s'; valid are e1, e4 or e6"),
        (ACCEL, EXCITED.replace("e6", "e3"), "stage 4 is 'e3k3l1s'"),
    ],
)
def test_a_malformed_string_says_what_is_wrong(cells, arch, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        cells.canonical(arch)


@pytest.mark.parametrize(("cells", "arch"), [(PROXYLESS, SMALLEST), (ACCEL, EXCITED)])
def test_weights_follow_from_the_seed_and_images_are_shrunk(cells, arch):
    first, again, other = (next(cells.build(arch, 10, seed).parameters()) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    images = Batch(torch.zeros(1, 3, 70, 70), torch.zeros(1, dtype=torch.int64), 7, "black")
    assert cells.images_for(arch, images).images.shape == (1, 3, 64, 64)


# Upstream counts, beside ours, four for each output of a batch norm, and each mean as a sum and a division.
def upstream_extra(arch):
    network, extra = ACCEL.build(arch, 1000, 0).to("meta").eval(), []

    def norm(_module, _inputs, output):
        extra.append(4 * output.numel())

    def pool(_module, inputs, output):
        extra.append(inputs[0].numel() + output.numel())

    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(norm)
        if isinstance(module, torch.nn.AdaptiveAvgPool2d):
            module.register_forward_hook(pool)
    network(torch.zeros(1, 3, 224, 224, device="meta"))
    return sum(extra)


@pytest.mark.mirror
def test_accel_nasbench_has_upstreams_parameters_and_operations():
    bench = benchmark("accel-nasbench/imagenet1k")  # reading compares the parameters of every network
    assert len(bench.table) == bench.table["arch"].nunique() == 5_125
    assert bench.table["runs"].value_counts().to_dict() == {1: 5_112, 2: 13}
    assert tuple(bench.table["arch"]) == ACCEL.architectures
    assert bench.table["validation_accuracy"].max() == 67.052
    for row in bench.table.iloc[::1000].itertuples():
        assert row.upstream_macs == row.macs + upstream_extra(row.arch)


@pytest.mark.mirror
def test_other_files_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is no archive of Accel-NASBench"):
        accel_nasbench.read(path)
    monkeypatch.setattr(accel_nasbench, "_counts", lambda _: Counts(1, 1))
    with pytest.raises(ValueError, match="is no archive"):
        accel_nasbench.read(fetch("accel-nasbench/imagenet1k"))
