"""What an installation of the operator contributes to the objects it makes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rendering:
    """The images of an installation.

    Attributes:
        fetch_image: the operator's own image, which lists and fetches models.
        triton_image: Triton's image where the user names none.
        image_pull_policy: of these two images. One that the user names has Kubernetes' own default.
    """

    fetch_image: str
    triton_image: str
    image_pull_policy: str = "IfNotPresent"
