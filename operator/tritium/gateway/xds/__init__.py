"""The delta ADS server that Envoy is configured by."""
