"""A Postgres server of Sartor's own, for trying things out: its account, its cluster, and who uses it."""
