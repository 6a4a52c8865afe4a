import pytest
import torch

from zsnas import statistics
from zsnas.benchmarks import benchmark, list_benchmarks
from zsnas.spaces import space

NAMES = list_benchmarks("vitbench/*")
pytestmark = pytest.mark.mirror


def test_two_families_on_three_data_sets():
    sizes = {"autoformer": 200, "pit": 100}
    data_sets = ("cifar100", "flowers102", "chaoyang")
    assert sorted(f"vitbench/{family}-{name}" for family in sizes for name in data_sets) == NAMES
    for name in NAMES:
        bench = benchmark(name)
        family = name.removeprefix("vitbench/").partition("-")[0]
        assert len(bench.truth) == sizes[family]
        assert tuple(bench.table["arch"]) == space(f"vitbench-{family}").architectures
        assert bench.table["plain_accuracy"].notna().sum() == 100
        assert "Auto-Prox" in bench.cite()


# From the first records of the files.
def test_accuracies_are_those_of_their_record():
    row = benchmark("vitbench/pit-flowers102").table.iloc[0]
    assert row[["distilled_accuracy", "plain_accuracy"]].tolist() == [58.9852, 50.2683]
    assert benchmark("vitbench/autoformer-cifar100").table.loc[0, "supernet_accuracy"] == pytest.approx(
        74.644
    )


# Known from before, Kendall's τ of #Params: −.32 (AutoFormer, CIFAR-100) to +.86 (PiT, Flowers, distilled).
@pytest.mark.parametrize(
    ("name", "column", "tau"),
    [
        ("vitbench/autoformer-cifar100", "plain_accuracy", -0.32),
        ("vitbench/pit-flowers102", "distilled_accuracy", 0.86),
    ],
)
def test_parameters_rank_as_they_are_known_to(name, column, tau):
    bench = benchmark(name)
    table = bench.table.dropna(subset=column)
    networks = space(bench.space)
    with torch.device("meta"):
        built = [networks.build(arch, 100, seed=0) for arch in table["arch"]]
    params = [sum(weights.numel() for weights in network.parameters()) for network in built]
    assert statistics.kendall(params, table[column]) == pytest.approx(tau, abs=0.005)
