"""Archives of `pg_dump`: made, read, restored and compared, by Postgres's own programs."""
