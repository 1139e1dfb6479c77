"""The only code that speaks to Triton, the gateway and Prometheus."""
