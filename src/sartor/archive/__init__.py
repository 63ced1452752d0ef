"""Archives of `pg_dump`: made, read, restored and compared, by Postgres's own programs.

Of the programs that fit a server, the nearest version is taken, because an archive can't be read by older versions.
`pg_dump` is verbose so that it meets a broken pipe when Sartor has gone.
"""
