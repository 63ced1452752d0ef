"""Runs the units of a plan: in a batch, one by one, outside a transaction, or written down for psql."""
