"""Desired Kubernetes objects: pure builders, values in and plain dicts out."""
