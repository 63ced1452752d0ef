"""The state of the process that scripts run in: read before a script, put back after it."""
