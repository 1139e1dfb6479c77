"""The gateway's agent: compiles `status.traffic` and endpoints into an Envoy snapshot and serves it."""
