"""Proxies that are nothing but a direction."""

from types import SimpleNamespace

import pytest

import zsnas

HIGHER_IS_BETTER = {"up": True, "down": False, "other": True}


@pytest.fixture(autouse=True)
def _metadata(monkeypatch):
    monkeypatch.setattr(zsnas, "list_proxies", lambda: list(HIGHER_IS_BETTER))
    monkeypatch.setattr(zsnas, "proxy", lambda name: SimpleNamespace(higher_is_better=HIGHER_IS_BETTER[name]))
