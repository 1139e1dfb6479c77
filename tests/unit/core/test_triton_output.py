"""What is made of the ends of real logs.

The files beside this one are what Triton 2.51.0 (24.10) printed, cut as a kubelet cuts a log: the last 2,048 bytes.
`tests/dataplane/test_load_failures.py` has a live Triton print them again.
"""

from pathlib import Path

import pytest

from tritium.core.reasons import Reason
from tritium.core.triton_output import Ending, ending
from tritium.core.wording import LONGEST

OUTPUT = Path(__file__).parent / "triton_output"
LOAD, CRASH = Reason.MODEL_LOAD_FAILED, Reason.SERVER_CRASHED

ENDINGS = {
    "initialize_raises": (
        LOAD,
        (
            "failed to load 'raises' version 1: Internal: ValueError: the weights have 3 layers, and 4 are expected "
            "At: /models/ready/repository/raises/1/model.py(3): initialize"
        ),
    ),
    # With the level info on, tables push the reason out of what a kubelet keeps.
    "initialize_raises_info": (LOAD, ""),
    "initialize_raises_explicit": (
        LOAD,
        (
            "load failed for model 'raises': version 1 is at UNAVAILABLE state: Internal: ValueError: the weights have "
            "3 layers, and 4 are expected At: /models/ready/repository/raises/1/model.py(3): initialize"
        ),
    ),
    "import_fails": (
        LOAD,
        (
            "failed to load 'importerror' version 1: Internal: ModuleNotFoundError: No module named 'torchvision' At: "
            "/models/ready/repository/importerror/1/model.py(1): <module>"
        ),
    ),
    "syntax_error": (
        LOAD,
        "failed to load 'syntax' version 1: Internal: SyntaxError: invalid syntax (model.py, line 1)",
    ),
    "warmup_fails": (Reason.WARMUP_FAILED, "model.warmup[0]: A must not be negative"),
    "warmup_does_not_fit": (
        Reason.WARMUP_FAILED,
        (
            "unexpected shape for input 'B' for model 'adder'. Expected [-1,2], got [1,1,2]. NOTE: Setting a non-zero "
            "max_batch_size in the model config requires a batch dimension to be prepended to each input shape. If you "
            "want to specify the full shape including the batch dim in your input dims config, try setting "
            "max_batch_size to zero. See the model configuration docs for more info on max_batch_size."
        ),
    ),
    "stub_exits": (LOAD, "failed to load 'exits' version 1: Internal: Stub process 'exits_0_0' is not healthy."),
    "broken_config": (
        LOAD,
        (
            "Poll failed for model directory 'brokenconfig': failed to read text proto from "
            '/models/ready/repository/brokenconfig/config.pbtxt (5:46: Expected ",", found "}".)'
        ),
    ),
    "another_name": (
        LOAD,
        (
            "Poll failed for model directory 'wrongname': unexpected directory name 'wrongname' for model 'other', "
            "directory name must equal model name"
        ),
    ),
    "no_version": (
        LOAD,
        (
            "failed to load model 'noversion': at least one version must be available under the version policy of "
            "model 'noversion'"
        ),
    ),
    "unknown_backend": (
        LOAD,
        (
            "failed to load 'nobackend' version 1: Invalid argument: unable to find backend library for backend "
            "'fancy', try specifying runtime on the model configuration."
        ),
    ),
    "onnx_without_backend": (
        LOAD,
        (
            "failed to load 'onnx' version 1: Invalid argument: unable to find backend library for backend "
            "'onnxruntime', try specifying runtime on the model configuration."
        ),
    ),
    "unknown_flag": (CRASH, "it printed its help text, as it does for a flag that it does not know"),
    "bad_flag_value": (CRASH, 'Bad option: "--http-thread-count". Invalid option value. Got many'),
    "no_repository": (CRASH, "failed to stat file /models/ready/repository"),
    "port_taken": (CRASH, "failed to start HTTP service: Unavailable - Socket '127.0.0.1:28000' already in use"),
}


@pytest.mark.parametrize("name", sorted(path.stem for path in OUTPUT.glob("*.txt")))
def test_real_output(name: str) -> None:
    text = (OUTPUT / f"{name}.txt").read_text(errors="replace")
    assert ending(text) == Ending(*ENDINGS[name])


def test_a_row_of_the_table_will_do() -> None:
    found = ending(
        "| Model  | Version | Status                                    |\n"
        "| raises | 1       | UNAVAILABLE: Internal: ValueError: layers |\n"
        "|        |         |   model.py(3): initialize                 |\n"
    )
    assert found == Ending(LOAD, "model 'raises' version 1: Internal: ValueError: layers")


def test_what_is_long_is_cut() -> None:
    found = ending(f"E1124 11:08:39.76 9 a.cc:6] \"failed to load 'm' version 1: {'word ' * 300}\"")
    assert len(found.words) <= LONGEST
    assert found.words.endswith("word…")


def test_the_last_words_of_a_server_that_says_nothing_known() -> None:
    assert ending("one\ntwo\nthree\n\nfour") == Ending(CRASH, "three four")
    assert ending("") == Ending(CRASH, "")


def test_a_backend_that_names_another_model_in_its_own_lines_is_not_believed() -> None:
    said = "I1124 11:08:39.76 9 model.cc:6] \"failed to load 'm' version 1: a joke\"\nSegmentation fault"
    assert ending(said).reason is CRASH
