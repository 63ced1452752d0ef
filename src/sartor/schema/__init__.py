"""What a live database holds: fingerprint, catalog version, rows."""
