"""What all tests share: registers of one's own, and no test of data that is not here."""

import os
import sys
from pathlib import Path

import pytest
from chromium import CHROMIUM, QUIET

from zsnas import benchmarks
from zsnas.batches import images
from zsnas.proxies import _file, _registry, list_proxies
from zsnas.spaces import _base as spaces


def _has_mirror() -> bool:
    sibling = Path(__file__).parents[2] / "shared" / "data"
    return bool(os.environ.get("ZSNAS_DATA_MIRROR", sibling.is_dir()))


@pytest.fixture
def own_register(monkeypatch):
    """Let a test register proxies that are gone afterwards."""
    list_proxies()
    kept = dict(_registry._REGISTER)
    for module in (_registry, _file):
        monkeypatch.setattr(module, "_REGISTER", kept)


@pytest.fixture
def own_names(own_register, monkeypatch, tmp_path):  # noqa: ARG001 - a fixture
    """Let a test register whatever users may, and import modules from ``tmp_path``, without a trace."""
    for register in (spaces.OWN, images.OWN, benchmarks.OWN):
        monkeypatch.setattr(register, "added", dict(register.added))
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name, module in [*sys.modules.items()]:
        if Path(getattr(module, "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[name]


@pytest.fixture(scope="module")
def browser():
    """Return a real browser, for the scripts of the book."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        pytest.skip("no Chromium: install the package chromium, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


def pytest_collection_modifyitems(items):
    """Skip the tests that need the mirror on a machine without one, with the reason."""
    if _has_mirror():
        return
    skip = pytest.mark.skip(reason="needs the mirror: set ZSNAS_DATA_MIRROR or put it at ../shared/data")
    for item in items:
        if "mirror" in item.keywords:
            item.add_marker(skip)
