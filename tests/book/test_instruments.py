"""A page shows the rows that the executed leaderboard has of a proxy, or says that it has none."""

import pytest

from zsnas import book


def test_the_rows_of_a_proxy():
    assert 'data-proxy="snip"' in book.leaderboard_row("snip").data


def test_a_proxy_without_networks_is_told():
    found = book.leaderboard_row("snip_printed").data  # variants take no place
    assert found == "<p>The leaderboard has no network that was scored with SNIP as printed.</p>"


def test_an_unknown_proxy_is_an_error():
    with pytest.raises(ValueError, match="unknown proxy 'snipp'"):
        book.leaderboard_row("snipp")
