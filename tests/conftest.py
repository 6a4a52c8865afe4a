"""What all tests share: a register of proxies of one's own, and no test of data that is not here."""

import os
from pathlib import Path

import pytest

from zsnas.proxies import _file, _registry, list_proxies


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


def pytest_collection_modifyitems(items):
    """Skip the tests that need the mirror on a machine without one, with the reason."""
    if _has_mirror():
        return
    skip = pytest.mark.skip(reason="needs the mirror: set ZSNAS_DATA_MIRROR or put it at ../shared/data")
    for item in items:
        if "mirror" in item.keywords:
            item.add_marker(skip)
