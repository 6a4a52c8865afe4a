import pytest

from zsnas.proxies import _registry, list_proxies


@pytest.fixture
def proxy_file(monkeypatch, tmp_path):
    """Write a file with one proxy into the current folder, and forget the proxy afterwards."""
    list_proxies()
    kept = dict(_registry._REGISTER)
    monkeypatch.setattr(_registry, "_REGISTER", kept)
    monkeypatch.setattr("zsnas.proxies._file._REGISTER", kept)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import zsnas\n\n"
        "@zsnas.register(label='Mine', higher_is_better=True, kind='gradient-free', target=())\n"
        "def mine(passes):\n    return 41 + passes.seed\n"
    )
