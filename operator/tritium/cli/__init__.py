"""The `tritium` command, also the kubectl plugin `kubectl tritium`."""
