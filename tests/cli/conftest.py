import pytest


@pytest.fixture
def proxy_file(own_register, monkeypatch, tmp_path):  # noqa: ARG001 - a fixture
    """Write a file with one proxy into the current folder, and forget the proxy afterwards."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import zsnas\n\n"
        "@zsnas.register(label='Mine', higher_is_better=True, kind='gradient-free', target=())\n"
        "def mine(passes):\n    return 41 + passes.seed\n"
    )
