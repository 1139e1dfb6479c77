"""The snapshot compiler: from a table to the resources that Envoy asks for. Pure."""
