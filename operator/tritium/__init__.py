"""Tritium serves models with NVIDIA Triton on Kubernetes.

One package, four programs: the operator, the gateway's agent, `fetch` (model sync) and the `tritium` command.
`docs/architecture.md` has the picture.
"""

__version__ = "0.1.0.dev0"
