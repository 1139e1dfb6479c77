r"""The end of Triton's log, read for the line that says why it ended.

A kubelet keeps the last 2,048 bytes of a container's log as its termination message. Among Triton's own lines there
are tables, help texts and what backends print, so that the line which matters is rarely the last one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tritium.core.reasons import Reason
from tritium.core.wording import steady

_HEADER: Final = re.compile(r"^(?:\S+Z )?(?P<level>[IWEF])(?:\d{4} \S+| )\s*\d+ [\w.]+:\d+\] ?")
"""`E1124 11:08:40.966335 30934 server.cc:241] `, or with --log-format=ISO8601 `2026-11-24T11:09:33Z E 31105 …`."""

_CREATING: Final = re.compile(r"^error: creating server: [\w ]+ - (?P<why>.*)", re.DOTALL | re.MULTILINE)
_LOADING: Final = (
    # One line of an E message: which model, which version, why.
    re.compile(r"failed to load '[^']+' version \d+: .*"),
    re.compile(r"load failed for model '[^']+': .*"),
    re.compile(r"failed to load model '[^']+': .*"),
    re.compile(r"Poll failed for model directory '[^']+': .*"),
    re.compile(r"failed to poll model '[^']+': .*"),
)
_ROW: Final = re.compile(r"^\| (?P<model>\S+) +\| (?P<version>\S+) +\| UNAVAILABLE: (?P<why>.*?) *\|$", re.MULTILINE)
_WARMUP: Final = (
    # It was made, and the model answered with an error.
    re.compile(r"failed to run warmup sample '(?P<which>[^']*)': (?P<why>.*)", re.DOTALL),
    # It does not fit the model. Of a model that is not loaded yet nobody else can ask anything.
    re.compile(r"\[request id: <id_unknown>\] (?P<why>.*)", re.DOTALL),
)
_SYNTAX: Final = re.compile(r"Error parsing text-format inference\.ModelConfig: (?P<where>.*)")
_ALL: Final = "failed to load all models"
_BAD_OPTION: Final = re.compile(r"unrecognized option '[^']*'|Bad option: .*|Invalid option value\. .*")
_FRAME: Final = re.compile(r"<frozen [^>]*>\(\d+\): \w+")
"""A frame of Python's own importer. Those of the model's files stay."""
_HARMLESS: Final = "CudaDriverHelper has not been initialized"
"""Every Triton without a GPU says so."""
_HELP: Final = re.compile(r"^  --[\w-]+ <", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why Triton ended, in its own words; none where the log's end does not say it."""

    reason: Reason
    words: str


def ending(tail: str) -> Ending:
    r"""Read the end of a log, of which the first line may be cut.

    >>> log = 'E1124 11:08:39.764 9 model_lifecycle.cc:642] "failed to load \'m\' version 1: Internal: no weights"\n'
    >>> ending(log + "error: creating server: Internal - failed to load all models").words
    "failed to load 'm' version 1: Internal: no weights"
    >>> ending("error: creating server: Internal - failed to stat file /models/ready/repository")
    Ending(reason=<Reason.SERVER_CRASHED: 'ServerCrashed'>, words='failed to stat file /models/ready/repository')
    """
    messages = list(_messages(tail))
    if words := _load_failure(tail, messages):
        if warmup := next((found for each in _WARMUP if (found := each.search(words))), None):
            which = f"{warmup['which']}: " if "which" in warmup.groupdict() else ""
            return Ending(Reason.WARMUP_FAILED, steady(_FRAME.sub("", f"{which}{warmup['why'].rstrip('; ')}")))
        return Ending(Reason.MODEL_LOAD_FAILED, steady(_FRAME.sub("", words)))
    if _ALL in tail:
        return Ending(Reason.MODEL_LOAD_FAILED, "")
    return Ending(Reason.SERVER_CRASHED, steady(_other_failure(tail, messages)))


def _load_failure(tail: str, messages: list[str]) -> str:
    said = "\n".join(messages)
    for pattern in _LOADING:
        if match := pattern.search(said):
            syntax = _SYNTAX.search(tail)
            return match[0] + (f" ({syntax['where']})" if syntax and "text proto" in match[0] else "")
    if (match := _CREATING.search(tail)) and "load failed for model" in match["why"]:
        return match["why"].strip().removesuffix(";").strip()
    if match := _ROW.search(tail):
        return f"model '{match['model']}' version {match['version']}: {match['why']}"
    return ""


def _other_failure(tail: str, messages: list[str]) -> str:
    """The error that Triton ends with, an option it does not know, the last errors in its log, or its last words."""
    if match := _CREATING.search(tail):
        return match["why"]
    if found := _BAD_OPTION.findall(tail):
        return " ".join(found)
    if _HELP.search(tail):
        return "it printed its help text, as it does for a flag that it does not know"
    return " ".join(messages[-2:]) or " ".join(line for line in tail.splitlines()[-3:] if line.strip())


def _messages(tail: str) -> Iterator[str]:
    """What the lines of level error and fatal say, without header and quotes, on one line each."""
    for line in tail.splitlines():
        match = _HEADER.match(line)
        if match and match["level"] in "EF" and _HARMLESS not in line:
            yield line[match.end() :].strip().strip('"').replace("\\n", " ").replace('\\"', '"')
