"""How many parameters networks have, added up layer by layer from their description."""

STEM_OF_TRANSNAS = 27 * 32 + 2 * 32 + 9 * 32 * 64 + 2 * 64


def nats_parameters(arch, classes):
    """Count a network of the size space: batch norm, two values a channel, after every convolution but one.

    The shortcut of a residual block is a 1×1 convolution without batch norm. A cell has two 3×3 convolutions
    of its input, three of inner nodes, and a skip connection.
    """
    c1, c2, c3, c4, c5 = map(int, arch.split(":"))
    stem = 27 * c1 + 2 * c1
    head = 2 * c5 + c5 * classes + classes
    cells = _nats_cell(c1, c1) + _nats_cell(c2, c3) + _nats_cell(c4, c5)
    return stem + cells + _nats_reduction(c1, c2) + _nats_reduction(c3, c4) + head


def _nats_cell(a, b):
    skip = 0 if a == b else a * b + 2 * b
    return 2 * (9 * a * b + 2 * b) + 3 * (9 * b * b + 2 * b) + skip


def _nats_reduction(a, b):
    return (9 * a * b + 2 * b) + (9 * b * b + 2 * b) + a * b


def micro_parameters(arch):
    """Count an encoder: ten cells, of which those from 64 to 128, 256 and 512 channels halve the image."""
    edges = [int(digit) for digit in arch.removeprefix("64-41414-").replace("_", "")]
    from_input = [True, True, False, True, False, False]
    changing = [(64, 128), (128, 256), (256, 512)]
    others = [(128, 128)] * 3 + [(256, 256)] * 3 + [(512, 512)]
    return STEM_OF_TRANSNAS + sum(
        _micro_edge(operation, inputs if first else channels, channels, first and inputs != channels)
        for inputs, channels in changing + others
        for operation, first in zip(edges, from_input, strict=True)
    )


def _micro_edge(operation, inputs, channels, halves):
    if operation == 0 or (operation == 1 and not halves):
        return 0
    kernel = 9 if operation == 3 else 1  # a skip connection that halves is two 1×1 convolutions, half as wide
    return kernel * inputs * channels + 2 * channels


def macro_parameters(arch):
    """Count an encoder: two residual blocks a module, a 1×1 shortcut where the shape changes."""
    channels, total = 64, STEM_OF_TRANSNAS
    for digit in arch.removeprefix("64-").removesuffix("-basic"):
        inputs, channels = channels, channels * (2 if digit in "24" else 1)
        total += 9 * inputs * channels + 3 * 9 * channels * channels + 4 * 2 * channels
        total += 0 if digit == "1" else inputs * channels + 2 * channels
    return total
