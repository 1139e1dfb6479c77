"""The pass that turns facts into writes: queue, reconcile, workers."""
