"""A real Kubernetes cluster for the tests, built from source where no registry can be reached.

`python -m e2e.cluster up` is the only set-up this project has. The pieces, from the bottom: `cache` (finished
things are kept by the hash of what they were made of), `steps` (what runs is told and timed), `binaries` (Go
programs), `rootfs` and `wheels` (Debian and Python packages), `engine` (a container engine), `images`,
`node_image`, `workloads`, `kind` (the cluster) and `bring_up` (all of it in the order that wastes least time).
"""
