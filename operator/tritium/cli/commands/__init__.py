"""The commands that speak to a cluster, one file each: what a user types, what is read and written, what is shown."""
