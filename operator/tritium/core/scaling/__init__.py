"""How many pods the work needs: pure, and the same for a simulation as for a cluster."""
