"""Where and how precisely a network is scored."""

import pytest
import torch
from small_networks import noise, small
from torch.overrides import TorchFunctionMode

from zsnas.proxies import _placement, list_proxies, measure, register, score
from zsnas.proxies._passes import Passes
from zsnas.proxies._placement import check_placement
from zsnas.spaces import space

CELL = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
# Counts of signs and of patterns jump where an activation or gradient is within rounding of zero, and sums
# that a batch norm makes vanish are rounding.
SMOOTH = [
    *("params", "flops", "grad_norm", "snip", "grasp", "synflow", "synflow_log", "fisher", "jacob_cov"),
    *("zen_score", "zen_score_printed", "meco", "l2_norm", "snip_running", "ntk_cond_running"),
]


def test_float64_agrees_with_float32():
    double = score(small(), noise(), SMOOTH, dtype="float64")
    assert double == pytest.approx(score(small(), noise(), SMOOTH, dtype="float32"), rel=1e-3)
    assert double["grad_norm"] != score(small(), noise(), ["grad_norm"])["grad_norm"]


def test_a_precision_asked_for_is_that_of_network_images_and_passes():
    passes = Passes(small(), noise(), dtype="float64")
    assert {p.dtype for p in passes.model.parameters()} == {torch.float64}
    assert passes.images.dtype == passes.training.logits.dtype == torch.float64


def test_the_network_stays_as_it_was():
    network = small()
    measure(network, noise(), ["snip"], device="cpu", dtype="float64")
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def devices(passes):
    tensors = *passes.model.parameters(), *passes.model.buffers(), passes.images, passes.labels
    return {tensor.device.type for tensor in tensors}


def test_the_device_of_the_network_is_the_default():
    assert devices(Passes(small(), noise())) == {"cpu"}
    assert devices(Passes(small().to("meta"), noise())) == {"meta"}


@pytest.mark.parametrize("device", ["meta", torch.device("meta")])
def test_a_copy_of_the_network_and_the_batch_move_to_a_device_asked_for(device, monkeypatch):
    """Every machine has a second device, "meta", which holds no values and is valid here only."""
    network, batch = small(), noise()
    monkeypatch.setattr(_placement, "_checked_kind", str)
    assert devices(Passes(network, batch, device=device)) == {"meta"}
    assert {p.device.type for p in (*network.parameters(), batch.images, batch.labels)} == {"cpu"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "gpu"}, "unknown device 'gpu'; valid are cpu, cuda, mps"),
        ({"device": "meta"}, "unknown device 'meta'"),
        ({"device": "cuda:x"}, "unknown device 'cuda:x'"),
        ({"device": "cpu:1"}, "the device 'cpu:1' is not on this machine, which has cpu"),
        ({"device": "cuda:99"}, "the device 'cuda:99' is not on this machine"),
        ({"dtype": "float16"}, "unknown dtype 'float16'; valid are float32, float64"),
        ({"dtype": torch.int64}, "unknown dtype 'int64'"),
    ],
)
def test_what_cannot_be_had_is_refused_in_a_sentence(settings, message):
    with pytest.raises(ValueError, match=message):
        measure(small(), noise(), ["params"], **settings)


def test_the_device_of_apple_has_no_double_precision(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    check_placement("mps", "float32")
    with pytest.raises(ValueError, match="the device 'mps' has no float64"):
        check_placement("mps", "float64")


class Factories(TorchFunctionMode):
    """Keeps what makes a tensor from nothing without saying where: on the processor."""

    WATCHED = (
        *(torch.zeros, torch.ones, torch.full, torch.empty, torch.arange, torch.eye, torch.linspace),
        *(torch.rand, torch.randn, torch.randint),
    )

    def __init__(self):
        super().__init__()
        self.unplaced = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in self.WATCHED and "device" not in (kwargs or {}):
            self.unplaced.append((func.__name__, args))
        return func(*args, **kwargs or {})


def test_a_tensor_from_nothing_is_seen():
    with Factories() as factories:
        torch.zeros(2)
        torch.zeros(2, device="cpu")
    assert factories.unplaced == [("zeros", (2,))]


@pytest.mark.parametrize("name", list_proxies())
def test_a_proxy_says_where_it_makes_a_tensor(name):
    """The nearest that a machine without a GPU comes to showing that nothing is left on the processor."""
    network, batch = space("nb201").build(CELL, 3, seed=0), noise()
    with Factories() as factories:
        measure(network, batch, [name])
    assert factories.unplaced == []


@pytest.mark.usefixtures("own_register")
def test_single_precision_keeps_all_its_bits_while_scoring():
    flags = torch.backends.cudnn, torch.backends.cuda.matmul
    before = [flag.allow_tf32 for flag in flags]
    seen = []

    @register(label="Watching", higher_is_better=True, target=(), kind="naive")
    def watching(_):
        seen.append([flag.allow_tf32 for flag in flags])
        return 1.0

    measure(small(), noise(), ["watching"])
    assert seen == [[False, False]]
    assert [flag.allow_tf32 for flag in flags] == before


@ON_GPU
def test_single_precision_on_a_gpu_is_that_of_the_processor():
    exact = score(small(), noise(), SMOOTH, dtype="float64")
    assert score(small(), noise(), SMOOTH, device="cuda") == pytest.approx(exact, rel=1e-3)


@ON_GPU
@pytest.mark.parametrize("name", list_proxies())
def test_a_gpu_gives_the_score_of_the_processor(name):
    network = space("nb201").build(CELL, 3, seed=0)
    states = torch.cuda.get_rng_state_all()
    on_gpu = measure(network, noise(), [name], device="cuda", dtype="float64")[name]
    on_cpu = measure(network, noise(), [name], device="cpu", dtype="float64")[name]
    # GradSign counts signs, also those of gradients that are zero but for rounding: 0.05 % of the cell's.
    near = 1e-2 if name.startswith("gradsign") else 1e-4
    assert on_gpu.value == pytest.approx(on_cpu.value, rel=near, nan_ok=True)
    assert on_gpu.reason == on_cpu.reason
    assert {p.device.type for p in network.parameters()} == {"cpu"}
    assert all(map(torch.equal, states, torch.cuda.get_rng_state_all()))
