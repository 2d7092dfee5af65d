"""Jobs: the one place where space, search, devices, executors, metrics and store are wired together."""
