"""Connects to a server as libpq does: addresses, TLS, keepalives, poolers."""
