"""The models' configurations: checked as they lie at the source, and the served one made what the spec asks for."""

from pathlib import Path
from typing import Any, Final

from tritium.api.fetch import FetchRequest
from tritium.api.model import ModelConfig
from tritium.sync import config, overrides, warmup
from tritium.sync.config import invalid
from tritium.sync.places import CONFIG, Plan

_OTHERS: Final = "configs"
"""The folder of the configurations that --model-config-name chooses from."""

_UNTOLD: Final = {
    "": (f"a TorchScript model without {CONFIG}", f"add a {CONFIG} to the model"),
    "pytorch": (f"a TorchScript model without {CONFIG}", f"add a {CONFIG} to the model"),
    "fil": ("trees without a signature of inputs and outputs", "log the model with one"),
}
"""Backends that cannot say which inputs and outputs a model has: what is there, and what else would help.

Without a name it is the file's own backend."""


def foresee(request: FetchRequest, plan: Plan) -> None:
    """Refuse what is sure to be refused at the fetch, before a byte of the model is here.

    Raises:
        Failed: `ConfigInvalid`.
    """
    asked = _asked(request)
    if asked:
        overrides.check(asked, request.model)
    if (asked or plan.untold) and not plan.configured(request.model):
        _merged(request, plan, plan.generated.get(f"{request.model}/{CONFIG}", ""))


def changes(request: FetchRequest, plan: Plan, repository: Path) -> dict[str, bytes]:
    """Check the configurations in a repository, and say what of the served model's folder has to be written anew.

    Args:
        request: what is asked for.
        plan: how the repository was laid out.
        repository: the folder with the models' folders.

    Returns:
        The whole new content of files, by their names in the model's folder.

    Raises:
        Failed: `ConfigInvalid`, with line and column where there is one.
    """
    _check_all(request, plan, repository)
    asked = _asked(request)
    if not asked and not request.warmup:
        return {}
    path, shown = repository / request.model / CONFIG, f"{request.source.address}: {CONFIG}"
    if others := sorted(each.name for each in (path.parent / _OTHERS).glob("*.pbtxt")):
        what = "model.config" if asked else "model.warmup"
        raise invalid(
            f"{shown} is not the only one: {_OTHERS}/ has others ({others[0]}), which {what} does not change. "
            "Put its settings into those that are used"
        )
    text = config.read(path, shown) if path.exists() else None
    if asked:
        text = _merged(request, plan, text or "")
    if not request.warmup:
        return {CONFIG: (text or "").encode()}
    added = warmup.additions(text, shown, request.warmup)
    return {**added, CONFIG: (text or "").encode() + added[CONFIG]}


def _asked(request: FetchRequest) -> ModelConfig | None:
    return request.config if overrides.says_something(request.config) else None


def _merged(request: FetchRequest, plan: Plan, text: str) -> str:
    """The served model's configuration, as the spec asks for it."""
    shown = f"{request.source.address}: {CONFIG}"
    if asked := _asked(request):
        text = overrides.merged(text, asked, shown)
    if plan.untold:
        parsed = config.parse(text, shown, unknown=True, remedy="Report it")
        if parsed.backend in _UNTOLD and not (parsed.input and parsed.output):
            what, instead = _UNTOLD[parsed.backend]
            raise invalid(
                f"{request.source.address} holds {what}, and Triton cannot find out which inputs and outputs it has. "
                f"Write them into model.config.raw (input and output), or {instead}"
            )
    return text


def _check_all(request: FetchRequest, plan: Plan, repository: Path) -> None:
    """All that came from the source, so that a mistake is found before Triton starts."""
    ensembles = set()
    for source, target in sorted(plan.targets.items()):
        model, _, rest = target.partition("/")
        if rest != CONFIG and not (rest.startswith(f"{_OTHERS}/") and rest.endswith(".pbtxt")):
            continue
        shown = f"{request.source.address}: {source}"
        parsed = config.check(config.read(repository / target, shown), shown, model)
        if parsed.HasField("ensemble_scheduling"):
            ensembles.add(f"{model}/1")
            _check_ensemble(parsed, shown, plan)
    if wrong := sorted(set(plan.versions) - ensembles):
        model = wrong[0].partition("/")[0]
        raise invalid(
            f"{request.source.address}: {model} has no version folder, without which only an ensemble can be; "
            f"put its files into {model}/1/"
        )


def _check_ensemble(parsed: Any, shown: str, plan: Plan) -> None:
    missing = sorted({step.model_name for step in parsed.ensemble_scheduling.step} - plan.models)
    if missing:
        raise invalid(
            f"{shown} is an ensemble with the model {missing[0]}, which is not beside it; put its folder there, and "
            "point model.source.uri to the folder around them"
        )
