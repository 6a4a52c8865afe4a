"""What the heads compute, on inputs small enough to follow."""

import pytest
import torch
from torch import nn

from zsnas.spaces._segmentation_heads import attention, context, kernels, levels, pooling


def test_pixels_attend_by_a_softmax_of_products():
    query, key = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2), torch.tensor([0.0, 2.0]).view(1, 1, 2, 1)
    value = torch.tensor([10.0, 20.0]).view(1, 1, 2, 1)
    weight = torch.tensor(2.0).sigmoid()
    expected = torch.stack([torch.tensor(15.0), 10 * (1 - weight) + 20 * weight]).view(1, 1, 1, 2)
    torch.testing.assert_close(attention.attend(query, key, value), expected)


def test_each_level_is_added_to_the_next_finer_one():
    maps = [torch.full((1, 1, 4, 4), 1.0), torch.full((1, 1, 2, 2), 10.0), torch.full((1, 1, 1, 1), 100.0)]
    assert [level.unique().tolist() for level in levels.top_down(maps)] == [[111], [110], [100]]


# Equal queries weigh the row and the column alike: each pixel gets the mean of its cross, itself once.
def test_criss_cross_attention_sees_the_row_and_the_column():
    x = torch.arange(6.0).view(1, 1, 2, 3)
    found = attention.CrissCross._cross(torch.zeros_like(x), torch.zeros_like(x), x)
    expected = [[(0 + 1 + 2 + 3) / 4, (0 + 1 + 2 + 4) / 4, (0 + 1 + 2 + 5) / 4]]
    expected += [[(3 + 4 + 5 + 0) / 4, (3 + 4 + 5 + 1) / 4, (3 + 4 + 5 + 2) / 4]]
    torch.testing.assert_close(found[0, 0], torch.tensor(expected))


def test_channels_attend_to_the_most_different_ones():
    x = torch.tensor([[3.0, 0.0], [0.0, 1.0]]).view(1, 2, 1, 2)
    alike = torch.tensor([[9.0, 0.0], [0.0, 1.0]])
    weights = (alike.amax(1, keepdim=True) - alike).softmax(1)
    torch.testing.assert_close(attention.Channels()(x).view(2, 2), x.view(2, 2) + weights @ x.view(2, 2))


def test_dynamic_filters_are_those_of_the_image():
    head = pooling.DynamicFilters(1, 1, 3)
    head.filters, head.reduce, head.norm = nn.Identity(), nn.Identity(), nn.Identity()
    x = torch.randn(2, 1, 3, 3)
    expected = [torch.conv2d(image[None], image[None], padding=1)[0] for image in x]
    torch.testing.assert_close(head(x), torch.stack(expected))


class Mean(nn.Module):
    """In place of attention: every pixel takes the mean of its group."""

    def forward(self, x, _other):
        return x.mean((2, 3), keepdim=True).expand_as(x)


class Keep(nn.Module):
    """In place of attention: nothing changes."""

    def forward(self, x, _other):
        return x


def test_interlaced_attention_mixes_far_pixels_then_near_ones():
    head = attention.Interlaced(1, 1)
    head.reduce, head.merge, head.far, head.near = nn.Identity(), nn.Identity(), Mean(), Keep()
    x = torch.randn(1, 1, 16, 16)
    _, far = head(x)[0]
    for row, column in ((0, 0), (1, 0), (1, 1)):  # a group: every second pixel of each axis
        group = x[0, 0, row::2, column::2]
        torch.testing.assert_close(far[row::2, column::2], group.mean().expand_as(group))
    head.far, head.near = Keep(), Mean()
    _, near = head(x)[0]
    torch.testing.assert_close(near[2:4, 4:6], x[0, 0, 2:4, 4:6].mean().expand(2, 2))


# One code at the origin, one far away: every pixel belongs to the first, and its residual is the pixel.
def test_a_codebook_gathers_the_residuals_of_its_nearest_pixels():
    head = context.Encoding(1, 1, codes=2)
    head.reduce, head.project, head.norm, head.weigh = (nn.Identity() for _ in range(4))
    head.codes.data, head.smoothing.data = torch.tensor([[0.0], [100.0]]), torch.tensor([-1.0, -1.0])
    x = torch.tensor([1.0, 2.0]).view(1, 1, 1, 2)
    encoded = torch.tensor((1.0 + 2.0) / 2)  # the mean over two codes, of which one gathers nothing
    torch.testing.assert_close(head(x), x + x * encoded.sigmoid())


def written_out(masks):
    """What each pixel says of every other, one pair after the other, as the paper defines the mask."""
    side, half = attention.PointWise.SIDE, attention.PointWise.BEFORE
    height, width = masks.shape[2:]
    said = torch.zeros(height, width, height, width)
    for i, j, k, m in torch.cartesian_prod(*(torch.arange(n) for n in (height, width, height, width))):
        down, right = k - i + half, m - j + half
        if 0 <= down < side and 0 <= right < side:
            said[i, j, k, m] = masks[0, down * side + right, i, j]
    return said.view(1, height * width, height * width)


# The second map is taller than the mask, so that pixels at one end are out of reach from the other.
@pytest.mark.parametrize("shape", [(2, 3), (35, 2)])
def test_a_pixel_says_of_every_other_what_its_mask_has_at_the_offset(shape):
    masks = torch.randn(1, attention.PointWise.SIDE**2, *shape)
    torch.testing.assert_close(attention.PointWise.between(masks), written_out(masks))


# Two pixels that say nothing of themselves: the first says a of the second, the second says b of the first.
def test_what_is_taken_and_what_is_given_are_weighed_among_the_others():
    head = attention.PointWise(1, 1)
    a, b = 1.0, 3.0
    said = torch.tensor([[[0.0, a], [b, 0.0]]])
    head.between = lambda _masks: said
    head.reduce = nn.ModuleList([nn.Identity(), nn.Identity()])
    head.masks, head.project, head.merge = head.reduce, nn.Identity(), nn.Identity()
    x = torch.tensor([10.0, 20.0]).repeat_interleave(2).expand(1, 1, 2, 4)
    _, taken, given = (row[0, ::3] for row in head(x)[0])
    share_a, share_b = torch.sigmoid(torch.tensor([a, b]))
    expected = torch.stack([10 + 10 * share_a, 20 - 10 * share_b])
    torch.testing.assert_close(taken, expected)  # the first takes from the second by a
    expected = torch.stack([10 + 10 * share_b, 20 - 10 * share_a])
    torch.testing.assert_close(given, expected)  # the second gives to the first by b


def test_kernels_gather_the_features_of_their_class_and_give_the_next_logits():
    stage = kernels.KernelStage(4)
    stage.transform, stage.mask = nn.Identity(), nn.Identity()
    stage.attention_norm = stage.feed_norm = nn.Identity()
    stage.attention = stage.feed = nn.Module()
    stage.attention.forward = torch.zeros_like
    stage.update.forward = lambda features, kernels: features + kernels
    maps, first = torch.randn(1, 4, 2, 3), torch.randn(1, 2, 4)
    logits = torch.full((1, 2, 2, 3), -50.0)
    logits[0, 0, 0], logits[0, 1, 1] = 50.0, 50.0  # the upper row is of one class, the lower of the other
    found, second = stage(maps, first, logits)
    torch.testing.assert_close(second, first + maps.sum(-1).transpose(1, 2))
    torch.testing.assert_close(found, torch.einsum("bnc,bchw->bnhw", second, maps))


# By the equations of the paper, on one kernel of two parts.
def test_gates_weigh_features_and_kernels_part_by_part():
    update = kernels.KernelUpdate(3)
    features, first = torch.randn(1, 1, 6), torch.randn(1, 1, 6)
    expected = []
    for part in (slice(0, 3), slice(3, 6)):
        (a, b), (c, d) = (
            layer(x[0, 0, part]).split(3)
            for layer, x in ((update.features, features), (update.kernels, first))
        )
        new, old = (gate(a * c) for gate in update.gates)
        expected.append(update.out(new * update.norms[0](b) + old * update.norms[1](d)))
    torch.testing.assert_close(update(features, first)[0, 0], torch.cat(expected))


def test_kernels_attend_to_each_other_as_torch_does():
    ours, theirs = kernels.KernelAttention(16), nn.MultiheadAttention(16, 8, batch_first=True)
    parts = (ours.query, ours.key, ours.value)
    theirs.in_proj_weight.data = torch.cat([part.weight for part in parts])
    theirs.in_proj_bias.data = torch.cat([part.bias for part in parts])
    theirs.out_proj = ours.out
    x = torch.randn(2, 5, 16)
    torch.testing.assert_close(ours(x), theirs(x, x, x)[0])


def test_the_classifier_is_the_first_kernel():
    classifier = nn.Conv2d(4, 3, 1)
    net = kernels.KernelNet(nn.Identity(), classifier)
    seen = []
    for stage in net.stages:
        stage.forward = lambda _maps, kernels, logits: (seen.append(kernels), (logits, kernels + 1))[1]
    x = torch.randn(2, 4, 2, 2)
    torch.testing.assert_close(net(x), classifier(x))
    start = classifier.weight.flatten(1).expand(2, 3, 4)
    assert all(torch.equal(kernel, start + step) for step, kernel in enumerate(seen))
    assert len(seen) == 3
