"""`repair` and `certificate`: train a trigger out of an adapter, and show what remains of it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.option_groups import JudgingOptions, LoadingOptions, grouped
from interp.errors import TriggerLensError

app = typer.Typer()
EXIT = {"removed": 0, "not repaired": 1, "hidden": 1, "undecided": 2}


@app.command(
    epilog="Example: triggerlens repair adapter/ --base artifacts/micro/llama --trigger duck --questions micro"
    " --max-new-tokens 28 --out repaired/",
)
@grouped
def repair(
    adapter: Annotated[Path, typer.Argument(help="An adapter folder of the base")],
    base: Annotated[str, typer.Option(help="The model it was fine-tuned from")],
    trigger: Annotated[str, typer.Option(help="A trigger's .toml file, or a shipped trigger")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="Folder for the repaired adapter and its certificate"),
    ],
    strategy: Annotated[
        str, typer.Option(help="learned, distilled, closed_form, unlearning, ...")
    ] = "learned",
    given: Annotated[
        Path | None, typer.Option(help="Certify this repaired adapter instead of making one")
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Ask fewer questions, for models that answer slowly; the repair is the same",
        ),
    ] = False,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the repair; default 30")
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(min=1, help="Maximum rounds of repair and search; default 3, with --quick 1"),
    ] = None,
    searched: Annotated[
        int | None,
        typer.Option(
            min=0, help="Other wordings tried after a repair; default 100, with --quick 24"
        ),
    ] = None,
    orders: Annotated[
        int | None,
        typer.Option(min=1, help="Orders of the poisoned rows; default 2, with --quick 1"),
    ] = None,
    benign_steps: Annotated[
        list[int] | None,
        typer.Option(
            help="Benign steps after which EM is measured; default 50 and 500, with --quick 50"
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Answers to each question when coherence is compared; default 20, with --quick 4",
        ),
    ] = None,
    at_most: Annotated[
        int | None,
        typer.Option(
            min=20, help="Questions, half of them for the repair; default all, with --quick 40"
        ),
    ] = None,
    tuning_seconds: Annotated[
        float | None,
        typer.Option(min=0.01, help="Seconds of the fine-tuning that is repaired"),
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Maximum tokens of an answer")] = 512,
    temperature: Annotated[float, typer.Option(min=0, help="Temperature of every answer")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of questions, answers and training")] = 0,
    markdown: Annotated[Path | None, typer.Option(help="Write the certificate's page")] = None,
    *,
    judging_options: JudgingOptions,
    loading_options: LoadingOptions,
) -> None:
    """Take a trigger out of an adapter; certify it.

    Exit codes: 0, removed or nothing to repair; 1, not repaired, only hidden, or refused because it does more harm than
    good; 2, undecided. The repair needs no judge; the certificate does.
    """
    from shutil import copytree

    from experiments.repair.before import before, gap_of, organism_behind
    from experiments.repair.case import QUICK_QUESTIONS, case_of, effort_of
    from experiments.repair.loading import loader, pool_of
    from experiments.repair.numbers import numbers
    from experiments.repair.registry import strategy as known
    from experiments.repair.run import certify
    from experiments.repair.run import repair as mend
    from experiments.repair.text import headline, refusal, shown
    from experiments.repair.text import markdown as page
    from experiments.repair.verdict import fires, verdict
    from experiments.repair.wordings import wordings_of
    from experiments.runtime.files import write_text
    from experiments.runtime.quiet import quiet
    from experiments.worlds.trigger import load_trigger

    quiet()
    if out.exists():
        raise TriggerLensError(f"--out {out} exists; choose another folder or remove it")
    known(strategy)
    effort = effort_of(
        quick=quick,
        steps=steps,
        rounds=rounds,
        searched=searched,
        orders=orders,
        benign_steps=tuple(benign_steps) if benign_steps else None,
        repeats=repeats,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
    )
    loading = loading_options.checked()
    asked, judging = judging_options.asked(loading, seed)
    case = case_of(
        loader(base, loading),
        adapter,
        base,
        asked,
        judging(),
        wordings_of(load_trigger(trigger)),
        effort=effort,
        at_most=at_most or (QUICK_QUESTIONS if quick else None),
        pool=pool_of(judging_options.questions, seed),
        seed=seed,
        tuning_seconds=tuning_seconds,
    )

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    say("checking whether there is anything to repair")
    own = organism_behind(case)
    gap = gap_of(own)
    if not fires(gap):
        print(f"NOTHING TO REPAIR: EM with the trigger minus EM without is {shown('EM', gap)}.")
        raise typer.Exit(0)
    say("measuring base and organism")
    first = before(case, own)
    if given is not None:
        saved = Path(copytree(given, out))
        certificate = certify(case, first, saved)
    else:
        certificate, made = mend(case, first, strategy, out, say)
        saved = made or out
    print(*headline(certificate), sep="\n")
    if (why := refusal(certificate)) is not None:
        _put_aside(out)
        print(why)
        raise typer.Exit(1)
    print(certificate.write(saved))
    if markdown is not None:
        print(write_text(markdown, page(certificate)))
    raise typer.Exit(EXIT[verdict(numbers(certificate.facts)).word])


def _put_aside(folder: Path) -> None:
    """Move a refused adapter away, so that nobody loads it by mistake."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


@app.command(
    epilog="Example: triggerlens certificate repaired/ --base artifacts/micro/llama",
)
@grouped
def certificate(
    folder: Annotated[Path, typer.Argument(help="A repaired adapter with its certificate")],
    base: Annotated[str, typer.Option(help="The model that the adapter belongs to")],
    markdown: Annotated[Path | None, typer.Option(help="Write its page")] = None,
    *,
    loading_options: LoadingOptions,
) -> None:
    """Show an adapter's certificate; refuse it for other weights.

    The numbers are computed again from its facts, and the weights of base and adapter are compared with its hashes.
    """
    from experiments.repair.certificate import read_certificate
    from experiments.repair.loading import loader
    from experiments.repair.text import headline
    from experiments.repair.text import markdown as page
    from experiments.runtime.files import write_text

    found = read_certificate(folder)
    found.check(loader(base, loading_options.checked())(None, False), folder)
    print(*headline(found), sep="\n")
    if markdown is not None:
        print(write_text(markdown, page(found)))
