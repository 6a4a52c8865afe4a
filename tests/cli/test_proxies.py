import re

from command_line import run

from zsnas.proxies import list_proxies


def test_proxies_are_listed_with_what_is_known_about_them(capsys):
    status, output, _ = run(capsys, "proxies", "s*", "--kind", "gradient-based")
    titles, *rows = (re.split(r"  +", line.strip()) for line in output.splitlines())
    assert status == 0
    assert titles == ["name", "label", "better", "kind", "target", "source"]
    assert ["synflow", "SynFlow", "higher", "gradient-based", "trainability", "tanaka2020"] in rows
    assert all(row[0].startswith("s") for row in rows)


def test_variants_are_listed_below_their_original(capsys):
    lines = run(capsys, "proxies", "s*")[1].splitlines()
    snip = next(i for i, line in enumerate(lines) if line.startswith("snip "))
    assert lines[snip + 1].startswith("  snip_")
    names = [line.split()[0] for line in lines[1:]]
    assert sorted(names) == list_proxies("s*")


def test_a_variant_whose_original_is_not_listed_stands_by_itself(capsys):
    row = run(capsys, "proxies", "snip_printed")[1].splitlines()[1]
    assert row.startswith("snip_printed  SNIP as printed")


def test_a_proxy_without_a_target_has_a_dash(capsys):
    assert re.search(r"^params +#Params +higher +naive +– +li2024$", run(capsys, "proxies")[1], re.MULTILINE)
