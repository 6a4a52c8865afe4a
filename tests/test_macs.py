"""The counter against arithmetic on paper, against torch's own and against what torchvision publishes."""

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.backends import mha
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

from zsnas import macs
from zsnas.macs import MacCounter

MODES = [torch.no_grad, torch.enable_grad, torch.inference_mode]


def watched(network, *inputs, mode=torch.no_grad, **options):
    with mode(), MacCounter() as counter:
        network(*inputs, **options)
    return counter


def counted(network, *inputs, **options):
    """Return the count, of which nothing must be missing, and which must not depend on gradients."""
    counters = [watched(network, *inputs, mode=mode, **options) for mode in MODES]
    assert [counter.unknown for counter in counters] == [set()] * 3
    (total,) = {counter.total for counter in counters}
    return total


def counted_by_torch(network, *inputs):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(*inputs)
    return counter.get_total_flops() / 2  # torch counts a multiplication and an addition


def ones(*shape):
    return torch.ones(shape)


def test_a_convolution_and_a_linear_layer_on_paper():
    """Each of the 4 × 4 places takes 3 × 3 × 2 products for 5 channels; then 5 numbers for 7 outputs."""
    network = nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 7)
    )

    assert counted(network, ones(1, 2, 4, 4)) == 4 * 4 * 3 * 3 * 2 * 5 + 5 * 7


def test_biases_and_the_size_of_the_batch():
    network = nn.Linear(3, 2)

    assert counted(network, ones(10, 3)) == 10 * 3 * 2
    assert counted(nn.Linear(3, 2, bias=False), ones(10, 3)) == 10 * 3 * 2


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 8, 3, stride=2, dilation=2, groups=2),
        nn.Conv2d(4, 4, 5, groups=4, padding="same"),
        nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2),
        nn.Sequential(nn.Flatten(2), nn.Conv1d(4, 3, 2)),
    ],
)
def test_layers_as_torch_counts_them(layer):
    images = ones(2, 4, 9, 9)

    assert counted(layer, images) == counted_by_torch(layer, images)


def test_a_recurrent_layer_on_paper():
    """At each of 64 steps each of 4 gates multiplies 3 numbers that come in and the 5 of the state."""
    assert counted(nn.LSTM(3, 5, batch_first=True), ones(1, 64, 3)) == 64 * 4 * 5 * (3 + 5) == 10_240


STEPS = 8
RECURRENT = [
    (nn.LSTM(3, 5), 4 * 5 * (3 + 5)),
    (nn.GRU(3, 5), 3 * 5 * (3 + 5)),
    (nn.RNN(3, 5), 5 * (3 + 5)),
    (nn.RNN(3, 5, nonlinearity="relu", bias=False), 5 * (3 + 5)),
    (nn.LSTM(3, 5, num_layers=2, bidirectional=True), 2 * 4 * 5 * (3 + 5) + 2 * 4 * 5 * (2 * 5 + 5)),
    (nn.GRU(3, 5, num_layers=2, bidirectional=True), 2 * 3 * 5 * (3 + 5) + 2 * 3 * 5 * (2 * 5 + 5)),
    (nn.LSTM(3, 5, proj_size=2), 4 * 5 * (3 + 2) + 5 * 2),
]


@pytest.mark.filterwarnings("ignore:TF32 acceleration", "ignore:LSTM with projections is not supported")
@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize(("layer", "a_step"), RECURRENT)
def test_recurrent_layers(layer, a_step, onednn):
    """Each gate multiplies what comes in and the last state; a second layer takes both directions."""
    with torch.backends.mkldnn.flags(enabled=onednn):
        assert counted(layer, ones(STEPS, 2, 3)) == 2 * STEPS * a_step
        assert counted(layer.eval(), ones(STEPS, 2, 3)) == 2 * STEPS * a_step


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_whose_batch_comes_first_and_whose_sequences_differ_in_length(kind):
    layer = kind(3, 5, batch_first=True)
    a_step = {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}[kind] * 5 * (3 + 5)
    packed = nn.utils.rnn.pack_padded_sequence(ones(3, 7, 3), [7, 5, 2], batch_first=True)

    assert counted(layer, ones(2, STEPS, 3)) == 2 * STEPS * a_step
    assert counted(layer, packed) == (7 + 5 + 2) * a_step


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTMCell, 4), (nn.GRUCell, 3), (nn.RNNCell, 1)])
def test_cells(kind, gates):
    assert counted(kind(3, 5), ones(7, 3)) == 7 * gates * 5 * (3 + 5)


@pytest.mark.parametrize("name", ["aten::_cudnn_rnn", "aten::miopen_rnn", "aten::_lstm_mps"])
def test_recurrent_operators_of_other_devices_from_their_arguments(name):
    """They take all weights of all layers in one list, matrices and biases."""
    layer = nn.LSTM(3, 5, num_layers=2, bidirectional=True)
    weights = list(layer.parameters())
    args = (ones(STEPS, 2, 3), [], weights) if name.endswith("mps") else (ones(STEPS, 2, 3), weights)

    assert macs._COUNTS[name](args, None) == counted(layer, ones(STEPS, 2, 3))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_attention(device):
    """Six queries and nine keys of 4 numbers, 5 numbers a value, 2 heads: 2 × 6 × 9 × (4 + 5)."""
    query, key, value = (torch.ones(1, 2, *shape, device=device) for shape in [(6, 4), (9, 4), (9, 5)])

    assert counted(scaled_dot_product_attention, query, key, value) == 2 * 6 * 9 * (4 + 5)


@pytest.mark.parametrize("backend", [SDPBackend.MATH, SDPBackend.FLASH_ATTENTION])
@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"attn_mask": torch.zeros(6, 9)}])
def test_a_mask_saves_nothing_whichever_way_attention_is_computed(backend, options):
    query, key = ones(1, 2, 6, 8), ones(1, 2, 9, 8)

    with sdpa_kernel(backend):
        assert counted(scaled_dot_product_attention, query, key, key, **options) == 2 * 6 * 9 * (8 + 8)


@pytest.mark.parametrize("backend", [SDPBackend.MATH, SDPBackend.FLASH_ATTENTION])
def test_every_head_of_queries_that_shares_its_keys_multiplies_them(backend):
    query, key = ones(1, 4, 6, 8), ones(1, 2, 9, 8)

    with sdpa_kernel(backend):
        found = counted(scaled_dot_product_attention, query, key, key, enable_gqa=True)
    assert found == 4 * 6 * 9 * (8 + 8)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_attention_layers(batch_first, training):
    """Three projections in, one out, and each of 6 tokens with each of 6 in 4 images (or the other way)."""
    layer = nn.MultiheadAttention(8, 2, batch_first=batch_first).train(training)
    images, length = (4, 6) if batch_first else (6, 4)
    tokens = ones(4, 6, 8)

    for options in ({}, {"need_weights": False}):
        found = counted(layer, tokens, tokens, tokens, **options)
        assert found == 24 * 4 * 8 * 8 + images * length * length * 2 * 8


WIDTH, TOKENS, HIDDEN = 16, 10, 32
LAYER = TOKENS * (4 * WIDTH**2 + 2 * WIDTH * HIDDEN) + TOKENS**2 * 2 * WIDTH


def encoder(layers, *, norm_first=False):
    layer = nn.TransformerEncoderLayer(WIDTH, 2, HIDDEN, batch_first=True, norm_first=norm_first)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=not norm_first)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
def test_every_layer_of_an_encoder_counts(norm_first, training):
    for layers in (1, 2):
        network = encoder(layers, norm_first=norm_first).train(training)
        assert counted(network, ones(3, TOKENS, WIDTH)) == 3 * layers * LAYER


def test_padding_counts_as_any_token():
    padding = torch.arange(TOKENS).expand(3, -1) > 6

    with MacCounter() as counter, torch.no_grad():
        encoder(2).eval()(ones(3, TOKENS, WIDTH), src_key_padding_mask=padding)
    assert (counter.total, counter.unknown) == (3 * 2 * LAYER, set())


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace.* is deprecated")
def test_the_fused_operators_of_a_traced_encoder():
    with torch.no_grad():
        traced = torch.jit.trace(encoder(1).eval(), ones(3, TOKENS, WIDTH))
    assert "_transformer_encoder_layer_fwd" in str(traced.inlined_graph)

    with torch.no_grad():
        assert watched(traced, ones(3, TOKENS, WIDTH)).total == 3 * LAYER


def test_the_fused_operator_of_an_attention_layer():
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    weights = layer.in_proj_weight, layer.in_proj_bias, layer.out_proj.weight, layer.out_proj.bias
    tokens = ones(4, 6, 8)

    found = watched(torch._native_multi_head_attention, tokens, tokens, tokens, 8, 2, *weights)
    assert found.total == counted(layer, tokens, tokens, tokens)


@pytest.mark.parametrize("enabled", [False, True])
def test_the_short_cut_of_encoders_is_put_back(enabled):
    before = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(enabled)
    try:
        with MacCounter():
            assert not mha.get_fastpath_enabled()
        assert mha.get_fastpath_enabled() is enabled
        with pytest.raises(RuntimeError), MacCounter():
            torch.mm(A, A)
        assert mha.get_fastpath_enabled() is enabled
    finally:
        mha.set_fastpath_enabled(before)


def test_a_decoder_layer_with_more_to_attend_to_than_tokens():
    """Attention to the 4 tokens, attention to 6 others, and two linear layers."""
    layer = nn.TransformerDecoderLayer(16, 2, 32, batch_first=True).eval()
    own = 4 * 4 * 16**2 + 4 * 4 * 2 * 16
    others = (2 * 4 + 2 * 6) * 16**2 + 4 * 6 * 2 * 16

    assert counted(layer, ones(1, 4, 16), ones(1, 6, 16)) == own + others + 4 * 2 * 16 * 32


def test_a_deformable_convolution_beside_the_one_that_moves_it():
    torchvision = pytest.importorskip("torchvision")
    offsets = nn.Conv2d(3, 18, 3, padding=1)
    deformed = torchvision.ops.DeformConv2d(3, 4, 3, padding=1)

    class Deformable(nn.Module):
        def forward(self, images):
            return deformed(images, offsets(images))

    assert counted(Deformable(), ones(1, 3, 8, 8)) == 8 * 8 * 9 * 3 * 18 + 8 * 8 * 9 * 3 * 4 == 38_016


def test_a_bilinear_layer_counts_each_weight_at_each_position():
    assert counted(nn.Bilinear(3, 4, 5), ones(6, 7, 3), ones(6, 7, 4)) == 6 * 7 * 5 * 3 * 4


A, B, V = ones(3, 4), ones(4, 5), ones(4)
LEFT, RIGHT = ones(2, 3, 4), ones(2, 4, 5)
PRODUCTS = {
    "mm": (lambda: A @ B, 3 * 4 * 5),
    "mm(out=)": (lambda: torch.mm(A, B, out=torch.empty(3, 5)), 3 * 4 * 5),
    "mm on the right": (lambda: V @ B, 4 * 5),
    "mv": (lambda: torch.mv(A, V), 3 * 4),
    "addmv": (lambda: torch.addmv(ones(3), A, V), 3 * 4),
    "addmv_": (lambda: ones(3).addmv_(A, V), 3 * 4),
    "dot": (lambda: torch.dot(V, V), 4),
    "vdot": (lambda: torch.vdot(V, V), 4),
    "inner": (lambda: torch.inner(A, A), 3 * 3 * 4),
    "addmm": (lambda: torch.addmm(ones(5), A, B), 3 * 4 * 5),
    "addmm_": (lambda: ones(3, 5).addmm_(A, B), 3 * 4 * 5),
    "bmm": (lambda: torch.bmm(LEFT, RIGHT), 2 * 3 * 4 * 5),
    "bmm(out=)": (lambda: torch.bmm(LEFT, RIGHT, out=torch.empty(2, 3, 5)), 2 * 3 * 4 * 5),
    "baddbmm": (lambda: torch.baddbmm(ones(2, 3, 5), LEFT, RIGHT), 2 * 3 * 4 * 5),
    "addbmm": (lambda: torch.addbmm(ones(3, 5), LEFT, RIGHT), 2 * 3 * 4 * 5),
    "matmul, one side shared": (lambda: LEFT @ B, 2 * 3 * 4 * 5),
    "linear with one output": (lambda: F.linear(A, V), 3 * 4),
    "einsum": (lambda: torch.einsum("bij,bjk->bik", LEFT, RIGHT), 2 * 3 * 4 * 5),
    "einsum of vectors": (lambda: torch.einsum("bi,bi->b", A, A), 3 * 4),
    "tensordot": (lambda: torch.tensordot(A, B, 1), 3 * 4 * 5),
    "multi_dot": (lambda: torch.linalg.multi_dot([A, B, ones(5, 2)]), 4 * 5 * 2 + 3 * 4 * 2),
    "chain_matmul": (lambda: torch.chain_matmul(A, B, ones(5, 2)), 4 * 5 * 2 + 3 * 4 * 2),
    "matrix_power": (lambda: torch.matrix_power(ones(3, 3), 2), 3**3),
    "vmap": (lambda: torch.vmap(lambda row: row @ B)(A), 3 * 4 * 5),
    "_int_mm": (lambda: torch._int_mm(*(t.to(torch.int8) for t in (ones(32, 16), ones(16, 8)))), 32 * 16 * 8),
    "conv_tbc": (lambda: torch.conv_tbc(ones(9, 2, 3), ones(4, 3, 5), ones(5)), 6 * 2 * 4 * 3 * 5),
    "one image": (lambda: F.conv2d(ones(3, 6, 6), ones(5, 3, 3, 3)), 4 * 4 * 27 * 5),
    "a volume": (lambda: F.conv3d(ones(1, 3, 4, 6, 6), ones(5, 3, 3, 3, 3)), 2 * 4 * 4 * 81 * 5),
    "transposed": (lambda: F.conv_transpose2d(ones(2, 4, 9, 9), ones(4, 3, 3, 3), groups=2), 2 * 81 * 4 * 27),
    "affine_grid": (lambda: F.affine_grid(ones(2, 2, 3), [2, 3, 5, 6], align_corners=False), 60 * 2 * 3),
    "complex": (lambda: torch.mm(A + 0j, B + 0j), 4 * 3 * 4 * 5),
    "complex convolution": (
        lambda: F.conv2d(ones(1, 2, 4, 4) + 0j, ones(5, 2, 3, 3) + 0j),
        3 * 4 * 2 * 9 * 5,
    ),
}


@pytest.mark.filterwarnings("ignore:torch.chain_matmul is deprecated")
@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    product, expected = PRODUCTS[name]

    counters = [watched(product, mode=mode) for mode in (torch.no_grad, torch.inference_mode)]
    assert {(counter.total, *counter.unknown) for counter in counters} == {(expected,)}


FREE = {
    "an outer product multiplies and adds nothing up": lambda: torch.outer(V, V),
    "nor does this one": lambda: torch.addr(ones(4, 4), V, V),
    "kron": lambda: torch.kron(A, B),
    "activations": lambda: F.gelu(A) + F.silu(A) * F.softmax(A, 1) - F.hardswish(A) + F.glu(ones(3, 8)),
    "in place": lambda: ones(3).abs_().mul_(2).relu_().clamp_(0, 1).t_().unsqueeze_(0),
    "norms": lambda: F.layer_norm(F.rms_norm(A, [4]), [4]) + F.normalize(A) + F.group_norm(A, 2),
    "batch norm": nn.BatchNorm2d(2).eval().forward,
    "pools": lambda: F.adaptive_avg_pool2d(F.max_pool2d(F.avg_pool2d(ones(1, 2, 8, 8), 2), 2), 1),
    "local responses": lambda: F.local_response_norm(ones(1, 4, 3, 3), 2),
    "interpolation": lambda: [
        F.interpolate(ones(1, 2, 4, 4), scale_factor=2, mode=mode)
        for mode in ("nearest", "bilinear", "bicubic")
    ],
    "sampling": lambda: F.grid_sample(ones(1, 2, 4, 4), torch.zeros(1, 3, 3, 2), align_corners=False),
    "indexing": lambda: A[:, torch.tensor([0, 2])].gather(1, torch.zeros(3, 1, dtype=torch.long)),
    "embedding": lambda: F.embedding(torch.tensor([1, 2]), A),
    "moving": lambda: F.pad(torch.roll(torch.cat([A, A]), 1).flip(0), (1, 1), "reflect").repeat(2, 1),
    "shuffling": lambda: F.pixel_shuffle(F.channel_shuffle(ones(1, 8, 3, 3), 2), 2),
    "patches": lambda: F.fold(F.unfold(ones(1, 2, 4, 4), 2), (4, 4), 2),
    "order": lambda: [A.topk(2), A.sort(), A.cumsum(0), A.argmax(), A.median()],
    "random numbers": lambda: F.dropout(torch.randn(3, 4), 0.5) + torch.rand_like(A) + torch.arange(4),
    "reductions": lambda: [A.sum(), A.mean(0), A.var(), A.norm(), A.logsumexp(0), A.prod()],
    "complex numbers": lambda: torch.view_as_real(torch.polar(A, A)),
}


@pytest.mark.parametrize("name", FREE)
def test_what_costs_nothing(name):
    inputs = [ones(3, 2, 4, 4)] if name == "batch norm" else []
    assert watched(FREE[name], *inputs).total == 0
    assert watched(FREE[name], *inputs).unknown == set()


@torch.library.custom_op("zsnas_tests::squared", mutates_args=())
def squared(matrix: torch.Tensor) -> torch.Tensor:
    return matrix @ matrix


UNKNOWN = {
    "fft": (lambda: torch.fft.rfft2(ones(2, 8, 8)), "aten::_fft_r2c"),
    "inverse fft": (lambda: torch.fft.irfft2(ones(2, 8, 5) + 0j), "aten::_fft_c2r"),
    "few distances": (lambda: torch.cdist(A, A), "aten::_cdist_forward"),
    "many distances": (lambda: torch.cdist(ones(30, 4), ones(30, 4)), "aten::_euclidean_dist"),
    "inverse": (lambda: torch.linalg.inv(torch.eye(3)), "aten::linalg_inv_ex"),
    "svd": (lambda: torch.linalg.svd(A), "aten::_linalg_svd"),
    "exponential": (lambda: torch.matrix_exp(torch.eye(3)), "aten::linalg_matrix_exp"),
    "a library's own": (lambda: squared(ones(3, 3)), "zsnas_tests::squared"),
    "sparse": (lambda: torch.mm(A.to_sparse(), B), "aten::mm of sparse_coo tensors"),
    "sparse, by rows": (lambda: torch.mm(A.to_sparse_csr(), B), "aten::mm of sparse_csr tensors"),
    "nested": (
        lambda: F.linear(torch.nested.nested_tensor([ones(2, 3), ones(4, 3)]), ones(5, 3)),
        "aten::linear of nested tensors",
    ),
    "jagged": (
        lambda: F.linear(
            torch.nested.nested_tensor([ones(2, 3), ones(4, 3)], layout=torch.jagged), ones(5, 3)
        ),
        "aten::linear of nested tensors",
    ),
}


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support", "ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_is_reported(name):
    compute, operator = UNKNOWN[name]

    for mode in (torch.no_grad, torch.inference_mode):
        counter = watched(compute, mode=mode)
        assert (counter.total, counter.unknown) == (0, {operator})


WORDS = {"mm", "addmm", "bmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "vdot", "matmul", "linear", "conv"}
WORDS |= {"convolution", "attention", "rnn", "lstm", "gru", "fft", "linalg", "cholesky", "solve", "trilinear"}


def test_what_is_free_of_torch_is_not_called_a_product():
    """Of all of torch's operators, those whose name has a word of a product in it."""
    suspects = set()
    for name in torch._C._dispatch_get_all_op_names():
        packet, _, overload = name.removeprefix("aten::").partition(".")
        is_made_of_others = torch._C._dispatch_has_kernel_for_dispatch_key(name, "CompositeImplicitAutograd")
        if not name.startswith("aten::") or is_made_of_others or not WORDS & set(packet.split("_")):
            continue
        if macs._is_free(getattr(getattr(torch.ops.aten, packet), overload or "default")):
            suspects.add(packet)
    assert suspects == {
        *("fft_fftfreq", "fft_rfftfreq", "_linalg_check_errors", "linalg_cross", "linalg_vector_norm"),
        *("linalg__powsum", "_thnn_fused_gru_cell", "_thnn_fused_lstm_cell"),
    }


def test_a_part_that_runs_in_inference_mode():
    part = nn.Sequential(nn.Conv2d(3, 4, 3), nn.LSTM(6, 5))

    class Partly(nn.Module):
        def forward(self, images):
            with torch.inference_mode():
                steps, _ = part[1](part[0](images)[0])
            return steps.clone().sum()

    assert watched(Partly(), ones(1, 3, 8, 8)).total == 36 * 27 * 4 + 24 * 20 * (6 + 5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_the_default_precision_changes_nothing(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        network = nn.Sequential(nn.Flatten(2), nn.LSTM(64, 5))
        assert watched(network.eval(), ones(1, 3, 8, 8)).total == 3 * 20 * (64 + 5)
        assert watched(encoder(1).eval(), ones(3, TOKENS, WIDTH)).total == 3 * LAYER
        assert watched(nn.Conv2d(3, 4, 3), ones(1, 3, 8, 8)).total == 36 * 27 * 4
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "regnetx_002"])
def test_whole_networks_as_torch_counts_them(name):
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        network, image = timm.create_model(name).eval(), torch.ones(1, 3, 224, 224)

    assert watched(network, image).total == counted_by_torch(network, image)


@pytest.mark.parametrize(
    "name",
    [
        *("alexnet", "convnext_tiny", "densenet121", "googlenet", "maxvit_t", "mnasnet0_5", "resnet50"),
        *("mobilenet_v3_small", "shufflenet_v2_x1_0", "squeezenet1_1", "swin_t", "vit_b_16", "vit_b_32"),
    ],
)
def test_whole_networks_as_torchvision_publishes_them(name):
    """In evaluation mode, as the engine counts; published in billions with three decimals."""
    models = pytest.importorskip("torchvision.models")
    published = models.get_model_weights(name).IMAGENET1K_V1.meta["_ops"]
    with torch.device("meta"):
        options = {"init_weights": False} if name == "googlenet" else {}
        network, image = models.get_model(name, **options).eval(), torch.ones(1, 3, 224, 224)

    counter = watched(network, image)
    assert (round(counter.total / 1e9, 3), counter.unknown) == (published, set())


def test_counting_imports_no_compiler():
    code = (
        "import sys, torch; from zsnas.macs import MacCounter\n"
        "with MacCounter() as counter: torch.nn.Linear(2, 3)(torch.ones(1, 2))\n"
        "print(counter.total, *({'triton', 'torch._dynamo'} & set(sys.modules)))"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["6"]
