"""Prints how many tests passed and failed in each ring of a run, and in all: the last line is for machines."""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def counts(report: Path) -> dict[str, int]:
    """Tests of one JUnit report by what became of them."""
    suites = list(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314 - our own file
    total = {key: sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "failures", "errors", "skipped")}
    failed = total["failures"] + total["errors"]
    return {"passed": total["tests"] - failed - total["skipped"], "failed": failed, "skipped": total["skipped"]}


def main() -> None:
    """Print a line for each report in the folder given, and the sum."""
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for report in sorted(Path(sys.argv[1]).glob("*.xml")):
        ring = counts(report)
        print(f"{report.stem[2:]:>14}: " + ", ".join(f"{number} {what}" for what, number in ring.items()))
        totals = {what: totals[what] + ring[what] for what in totals}
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")


if __name__ == "__main__":
    main()
