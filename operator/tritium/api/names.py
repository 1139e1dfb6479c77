"""The names that a user and a cluster see.

They are a contract: objects in clusters carry them, so a name changes only with a new API version.
"""

from typing import Final

GROUP: Final = "serving.tritium.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "ModelDeployment"
LIST_KIND: Final = "ModelDeploymentList"
PLURAL: Final = "modeldeployments"
SINGULAR: Final = "modeldeployment"
SHORT_NAMES: Final = ("mdep",)
CRD_NAME: Final = f"{PLURAL}.{GROUP}"

SCHEMA_ANNOTATION: Final = f"{GROUP}/schema"
"""On the CRD: the number of the schema it carries. An operator refuses to run on an older one."""

SCHEMA_NUMBER: Final = 1
"""Goes up with every change of the schema that an operator relies on."""

MAX_NAME: Final = 50
"""Characters of a ModelDeployment's name. It names a Service (63), and `<name>-<hash8>` a Deployment whose
pods add a ReplicaSet's and their own suffix to it."""
