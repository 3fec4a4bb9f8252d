"""The command `triggerlens`; each file has one of its commands or a few related ones."""


def main() -> None:
    """Run the command."""
    from experiments.cli.app import main as run  # imported late, because it takes seconds

    run()
