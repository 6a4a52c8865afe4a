import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from command_line import run
from torch import nn

import zsnas.batches
import zsnas.models
import zsnas.scores.sweep
from zsnas.batches import Batch
from zsnas.scores import sweep as sweep_module


class SmallNetwork(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, bias=False),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, num_classes),
        )

    def forward(self, images):
        return self.layers(images)


@pytest.fixture
def small(monkeypatch):
    """Let every name be a small network, and every batch a few random images."""

    def batch(name, size, seed, images_per_class=1):
        if images_per_class > size:
            raise ValueError("a batch too small")
        generator = torch.Generator().manual_seed(seed)
        labels = torch.arange(size) // images_per_class % 5
        source = f"images of {name}" + f", {images_per_class} of a class" * (images_per_class > 1)
        return Batch(torch.randn(size, 3, 8, 8, generator=generator), labels, 5, source)

    monkeypatch.setattr(zsnas.batches, "batch", batch)
    monkeypatch.setattr(sweep_module, "_batch", batch)
    monkeypatch.setattr(zsnas.models, "_from_timm", lambda _, num_classes: SmallNetwork(num_classes))


@pytest.mark.usefixtures("small")
def test_score_prints_value_seconds_and_reason_of_each_proxy(capsys):
    arguments = (
        "score",
        "timm:small",
        "--batch",
        "cifar10",
        "--size",
        "6",
        "--seed",
        "3",
        "--proxies",
        "params,synflow",
    )
    status, output, _ = run(capsys, *arguments)
    model_line, batch_line, empty, titles, params, synflow, peak = output.splitlines()
    assert re.fullmatch(r"peak memory: [\d,]+ MB", peak)
    assert status == 0
    assert model_line == "timm:small, 5 classes, random weights of seed 3"
    assert batch_line == "batch 6×3×8×8: images of cifar10"
    assert empty == ""
    assert titles.split() == ["proxy", "value", "seconds", "reason"]
    assert params.split()[:2] == ["params", str(3 * 4 * 9 + 4 * 5 + 5)]
    assert float(synflow.split()[1]) == float(synflow.split()[1])
    assert run(capsys, *arguments)[1].splitlines()[-2].split()[1] == synflow.split()[1]


@pytest.mark.usefixtures("small")
def test_score_draws_a_batch_with_images_of_one_class_for_the_proxies_that_compare_them(capsys):
    arguments = ("score", "timm:small", "--batch", "cifar10", "--proxies", "params,epe_nas,l2_norm")
    status, output, _ = run(capsys, *arguments, "--size", "5")
    _, first, second, _, _, params, l2_norm, epe_nas, _ = output.splitlines()  # batch by batch
    assert status == 0
    assert first == "batch 5×3×8×8: images of cifar10"
    assert second == "batch of epe_nas 5×3×8×8: images of cifar10, 2 of a class"
    assert [row.split()[0] for row in (params, l2_norm, epe_nas)] == ["params", "l2_norm", "epe_nas"]
    assert math.isfinite(float(epe_nas.split()[1]))
    assert re.search(r"epe_nas +nan +0\.000 +a batch too small", run(capsys, *arguments, "--size", "1")[1])


@pytest.mark.usefixtures("small")
def test_score_resizes_the_images_when_asked_to(capsys):
    status, output, _ = run(capsys, "score", "timm:small", "--proxies", "params", "--input-size", "12")
    assert status == 0
    assert "batch 64×3×12×12: images of cifar100; resized to 12×12" in output


@pytest.mark.usefixtures("small")
def test_score_takes_a_device_and_a_precision(capsys):
    arguments = ("score", "timm:small", "--size", "6", "--proxies", "l2_norm")
    single, double = (
        run(capsys, *arguments, "--device", "cpu", "--dtype", dtype)[1].splitlines()[-2].split()[1]
        for dtype in ("float32", "float64")
    )
    assert float(double) == pytest.approx(float(single))
    status, _, complaint = run(capsys, *arguments, "--dtype", "half")
    assert status == 2
    assert "unknown dtype 'half'; valid are float32, float64" in complaint


@pytest.mark.usefixtures("small")
def test_score_says_why_a_proxy_is_undefined(monkeypatch, capsys):
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    monkeypatch.setattr(zsnas.models, "_from_timm", lambda *_: linear)
    status, output, _ = run(capsys, "score", "timm:linear", "--proxies", "logdet")
    assert status == 0
    assert re.search(r"logdet +nan +[\d.]+ +the network has no ReLU-like activation", output)


@pytest.mark.usefixtures("small", "proxy_file")
def test_score_takes_proxies_of_a_file(capsys):
    arguments = ("score", "timm:small", "--size", "6", "--seed", "1", "--proxy-file", "mine.py")
    rows = run(capsys, *arguments, "--proxies", "mine,params")[1].partition("reason\n")[2].splitlines()[:2]
    assert sorted(row.split()[0] for row in rows) == ["mine", "params"]
    assert re.search(r"^mine +42 ", run(capsys, *arguments)[1], re.MULTILINE)


def test_without_images_score_goes_on_with_one_notice(tmp_path):
    command = [Path(sys.executable).with_name("zsnas"), "score", "timm:test_resnet", "--proxies", "params"]
    environment = os.environ | {"ZSNAS_DATA_MIRROR": "", "ZSNAS_CACHE": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "batch 64×3×32×32: not CIFAR-100: patches of photographs" in done.stdout
    assert re.fullmatch("zsnas: note: in place of CIFAR-100 images, batches are .*\n", done.stderr)
    # The next command of the session does not repeat it, and its output is what another program reads.
    again = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(again.stdout)["batch"][0].startswith("batch 64×3×32×32: not CIFAR-100")
    assert "in place of" not in again.stderr
