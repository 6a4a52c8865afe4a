"""`zsnas score`: score one network at random initialisation."""

import argparse

from ._output import print_table
from ._parser import Commands, add_command, positive, words


def add(commands: Commands) -> None:
    """Add `zsnas score` to the commands."""
    parser = add_command(
        commands,
        "score",
        _run,
        "score one network at random initialisation",
        "zsnas score timm:resnet18 --batch cifar100 --size 64 --seed 0 --proxies synflow,snip\n"
        "  zsnas score torchvision:resnet50\n"
        "  zsnas score my_networks:build_small_cnn    (a function in my_networks.py, here)\n"
        "  zsnas score timm:resnet18 --proxy-file my_proxy.py    (your proxies too)",
    )
    parser.add_argument("model", help="timm:NAME, torchvision:NAME or MODULE:FUNCTION")
    parser.add_argument("--batch", default="cifar100", help="images to score on (default: cifar100)")
    parser.add_argument("--size", type=int, default=64, help="images in the batch (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="draws weights, images and probes (default: 0)")
    parser.add_argument("--proxies", type=words, help="names, separated by commas (default: all)")
    parser.add_argument(
        "--proxy-file",
        action="append",
        default=[],
        metavar="FILE",
        help="a Python file whose proxies (under @zsnas.register) are scored too; may be given several times",
    )
    parser.add_argument(
        "--input-size",
        type=positive,
        metavar="PIXELS",
        help="resize the images to this height and width (default: their own size, "
        "or the model's default input size when the model does not take that)",
    )
    parser.add_argument(
        "--device", help="cpu, cuda, cuda:1 and so on, or mps (default: where the model is, mostly the cpu)"
    )
    parser.add_argument(
        "--dtype", help="float32 or float64 (default: that of the model, float32 for half precision)"
    )


def _run(options: argparse.Namespace) -> int:
    from zsnas.batches import batch
    from zsnas.models import fit, model
    from zsnas.proxies import load_proxies, measure, proxy

    for file in options.proxy_file:
        load_proxies(file)
    names = None if options.proxies is None else [proxy(name).name for name in options.proxies]
    images = batch(options.batch, options.size, options.seed)
    network = model(options.model, images.num_classes, options.seed)
    images = fit(images, network, options.model, options.input_size, options.device)
    shape = "×".join(map(str, images.images.shape))
    print(f"{options.model}, {images.num_classes} classes, random weights of seed {options.seed}")
    print(f"batch {shape}: {images.source}\n")
    measured = measure(network, images, names, options.seed, options.device, options.dtype)
    rows = [(name, f"{m.value:.6g}", f"{m.seconds:.3f}", m.reason or "") for name, m in measured.items()]
    print_table(("proxy", "value", "seconds", "reason"), rows)
    return 0
