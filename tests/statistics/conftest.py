"""Proxies that are nothing but a direction."""

from types import SimpleNamespace

import pytest

import zsnas.proxies

ORIENTATION = {"up": 1.0, "down": -1.0, "other": 1.0}


@pytest.fixture(autouse=True)
def _metadata(monkeypatch):
    monkeypatch.setattr(zsnas.proxies, "list_proxies", lambda: list(ORIENTATION))
    monkeypatch.setattr(zsnas.proxies, "proxy", lambda name: SimpleNamespace(orientation=ORIENTATION[name]))
