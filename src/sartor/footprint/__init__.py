"""What a transaction does to the relations that were there before it: locks, rewrites, scans, rows."""
