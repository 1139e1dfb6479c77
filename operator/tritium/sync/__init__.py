"""`fetch`: brings a model's verified bytes into Triton's repository."""
