"""The counter against another library's, fvcore, which traces a network and counts by its operators' shapes.

Compared is what both count: convolutions, linear layers and matrix products. Left out of fvcore's count are
its normalisation, pooling and interpolation. Models of timm that fvcore cannot count exactly are not here:
with padding given as "same" (ConvMixer) it counts no convolution, of an LSTM (Sequencer) it counts nothing,
and a general einsum (MViTv2) it rounds.
"""

import pytest

timm = pytest.importorskip("timm")
fvcore = pytest.importorskip("fvcore.nn")
import torch  # noqa: E402 (after what it may be skipped for)

from zsnas.macs import MacCounter  # noqa: E402
from zsnas.spaces.timm import _unfused_attention  # noqa: E402

SIDE = 64

OF_ANY_SIZE = [
    *("lambda_resnet26t", "gernet_s", "repvgg_a0", "convnext_atto", "convnextv2_atto", "cpubone_nano"),
    *("cs3darknet_focus_s", "cspnext_s", "densenet121", "dla46x_c", "edgenext_xx_small"),
    *("mobilenetv2_050", "mnasnet_small", "tf_efficientnet_lite0", "efficientvim_m1", "efficientvit_b0"),
    *("fasternet_t0", "fastvit_t8", "ghostnet_050", "hardcorenas_a", "hgnetv2_b0"),
    *("iformer_t", "inception_next_atto", "lcnetv2_small", "lowformer_b0", "mambaout_femto"),
    *("caformer_s18", "poolformer_s12", "lcnet_035", "mobilevit_xxs", "mobilevitv2_050"),
    *("nf_regnet_b0", "pvt_v2_b0"),
    *("regnetx_002", "regnety_002", "repghostnet_050", "repvit_m0_9", "resnest14d", "resnet10t"),
    *("seresnext26d_32x4d", "resnetv2_18", "rexnet_100", "skresnet18", "starnet_s100"),
    *("swiftformer_xs", "ese_vovnet19b_slim", "xcit_nano_12_p8_224"),
]

OF_A_GIVEN_SIZE = [
    *("cait_xxs24_224", "coat_lite_tiny", "coatnet_nano_rw_224", "convit_tiny", "deit_tiny_patch16_224"),
    *("efficientformerv2_s0", "eva02_tiny_patch14_224", "gmlp_ti16_224", "levit_128s", "mixer_s32_224"),
    *("nest_tiny", "pit_ti_224", "resmlp_12_224", "swinv2_cr_tiny_224", "visformer_tiny"),
    *("vit_relpos_small_patch16_224", "vit_tiny_patch16_224", "vit_tiny_r_s16_p8_224"),
]

MODELS = {name: {} for name in OF_ANY_SIZE} | {name: {"img_size": SIDE} for name in OF_A_GIVEN_SIZE}

COUNTED = ("conv", "linear", "matmul", "einsum")
"""What fvcore calls the operators that are compared."""


def test_there_are_enough_of_them():
    assert len(MODELS) >= 60


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", MODELS)
def test_a_network_as_fvcore_counts_it(name):
    """Attention is built of matrix products: of torch's fused operator fvcore counts nothing."""
    if not timm.is_model(name):
        pytest.skip(f"timm {timm.__version__} has no {name}")
    with _unfused_attention():
        network = timm.create_model(name, **MODELS[name]).eval()
    image = torch.zeros(1, 3, SIDE, SIDE)
    analysis = fvcore.FlopCountAnalysis(network, image)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")

    with torch.no_grad(), MacCounter() as counter:
        network(image)
    expected = analysis.by_operator()
    assert counter.unknown == set()
    assert counter.total == sum(expected[operator] for operator in COUNTED)
