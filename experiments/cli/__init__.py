"""The command `triggerlens`; one file for each of its commands."""


def main() -> None:
    """Run the command."""
    from experiments.cli.app import main as run  # late: seconds of imports

    run()
