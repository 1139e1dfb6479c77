"""Decisions: pure functions of spec, status, observation and time.

No clock, no I/O and no client is imported here, so every decision can be tested as a value.
"""
