"""A Postgres server of Sartor's own, for trying things out."""
