"""The gateway of a namespace, as Kubernetes objects: what takes the requests of all its models."""
