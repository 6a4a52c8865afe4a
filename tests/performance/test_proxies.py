"""What the proxies cost, in units of a bare forward plus backward pass of the same network and batch.

Run by ``nox -s performance``, which prints the table of all costs and promises two: the time of the ten and
the memory of the twelve. What a cost is says `zsnas.book.studies.cost`.
"""

import pandas as pd
import pytest
import torch
from small_networks import TEN

from zsnas.batches import Batch
from zsnas.book.studies import cost
from zsnas.proxies import measure
from zsnas.spaces import space

MIXED = "|skip_connect~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|avg_pool_3x3~0|nor_conv_3x3~1|skip_connect~2|"
LIMIT = 12  # bare passes, for the ten of the survey's Figures 6 and 7 together
MEMORY = 3  # times that of a bare pass, for the survey's twelve together
ROUNDS = 3


@pytest.fixture(scope="module", params=[cost.LARGEST, MIXED], ids=["six 3x3 convolutions", "mixed cell"])
def network(request):
    return space("nb201").build(request.param, 100, seed=0)


@pytest.fixture(scope="module")
def batch():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(64, 3, 32, 32, generator=generator)
    return Batch(images, torch.randint(100, (64,), generator=generator), 100, "noise")


def test_the_ten_keep_their_limit_of_time_and_the_twelve_that_of_memory(benchmark, network, batch, capsys):
    names = dict.fromkeys([*TEN, *cost.TWELVE, cost.BY_IMAGE])
    applicable = cost.applicable(network, batch, names)
    table = cost.costs(network, batch, cost.groups(applicable) | {"ten": TEN}, ROUNDS).set_index("proxy")
    one_by_one = {name: cost.alone(table.reset_index(), name) for name in cost.TOGETHER}
    one_by_one["ten"] = table.loc[TEN, "cost"].sum()
    table["alone ÷ together"] = pd.Series(one_by_one) / table["cost"]
    columns = ["cost", "low", "high", "memory", "alone ÷ together"]
    with capsys.disabled():
        print("\n\nin units of a bare forward + backward pass, batch 64")  # noqa: T201
        print(table[columns].round(2).to_string(na_rep=""))  # noqa: T201
    benchmark.extra_info.update(table["cost"])
    benchmark.pedantic(measure, (network, batch, TEN), rounds=1)
    ten, memory = table["cost"]["ten"], table["memory"]["twelve"]
    assert ten <= LIMIT, f"ten proxies together cost {ten:.1f} bare passes; the limit is {LIMIT}"
    assert memory <= MEMORY, f"the twelve take {memory:.1f} times the memory of a bare pass; not {MEMORY}"
