"""Try whether the tests find the bugs that are kept here.

    python -m tests.faults              each bug in a copy of the working tree: its tests must be red
    python -m tests.faults NAME …       only these
    python -m tests.faults --check      only whether each patch still applies and its tests are there
    python -m tests.faults --control    only whether the tests are green without the bugs

It ends with 0 only if that is so for all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from rich.console import Console

from tests.faults import seeded
from tests.faults.seeded import ROOT, Seeded
from tests.faults.trial import Verdict, control, trial

COLOURS = {Verdict.CAUGHT: "green", Verdict.NOT_CAUGHT: "bold red", Verdict.BROKEN: "yellow"}


def main(arguments: list[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Try whether the tests find bugs.")
    parser.add_argument("name", nargs="*", help="of a patch, without its ending")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="only whether patches apply and tests are there")
    only.add_argument("--control", action="store_true", help="only whether the tests are green without the bugs")
    asked = parser.parse_args(arguments)
    console = Console(soft_wrap=True, highlight=False)
    try:
        faults = [seeded.read(name) for name in asked.name or seeded.names()]
    except ValueError as error:
        parser.error(str(error))
    if asked.check:
        return check(faults, console)
    return green(faults, console) if asked.control else red(faults, console)


def check(faults: Iterable[Seeded], console: Console) -> int:
    """Whether each could be tried."""
    wrong = 0
    for fault in faults:
        said = seeded.apply(fault, ROOT, check=True) or ", ".join(f"no {each}" for each in seeded.missing(fault))
        wrong += bool(said)
        console.print(f"[yellow]broken[/]  {fault.name}  {said}" if said else f"[green]applies[/] {fault.name}")
    return int(wrong > 0)


def green(faults: Iterable[Seeded], console: Console) -> int:
    """Whether the tests fail because of the bugs only."""
    tests = sorted({test for fault in faults for test in fault.red})
    code, output = control(tests)
    console.print(output if code else f"[green]green[/] without a fault: {len(tests)} tests", markup=not code)
    return int(code != 0)


def red(faults: list[Seeded], console: Console) -> int:
    """Try all; a table of what came of it."""
    width = max(len(fault.name) for fault in faults)
    escaped = []
    console.print(f"[bold]{'fault':<{width}}  {'':<10}  seconds  test[/]")
    for fault in faults:
        result = trial(fault)
        said = f"[{COLOURS[result.verdict]}]{result.verdict:<10}[/]"
        console.print(f"{fault.name:<{width}}  {said}  {result.seconds:7.1f}  ", end="")
        console.print(" ".join(fault.red), markup=False)
        if result.verdict is not Verdict.CAUGHT:
            escaped.append((fault, result))
    for fault, result in escaped:
        console.rule(f"{fault.name}: {result.verdict}")
        console.print(f"{fault.wrong}\n{result.output[-4000:]}", markup=False)
    console.print(f"{len(faults) - len(escaped)} of {len(faults)} faults caught")
    return int(bool(escaped))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
