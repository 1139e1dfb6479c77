# mypy: ignore-errors
"""Cannot be loaded."""


class TritonPythonModel:
    """Fails as a model does whose files do not fit its code."""

    def initialize(self, args):  # noqa: ANN001, ANN201, ARG002
        """Fail."""
        raise ValueError("the weights have 3 layers, and 4 are expected")

    def execute(self, requests):  # noqa: ANN001, ANN201, ARG002
        """Answer nothing."""
        return []
