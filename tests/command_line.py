"""The command line, called as the shell calls it."""

from zsnas.cli import main


def run(capsys, *arguments):
    """Run the command line and return its exit status, output and errors."""
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    return status, *capsys.readouterr()
