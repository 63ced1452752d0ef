"""Archives of `pg_dump`: made, read, restored and compared, by Postgres's own programs.

A restore is one transaction: `pg_restore` writes SQL and `psql` runs it. Since 17, `pg_restore` sets
`transaction_timeout`, which older servers don't know; it is left out on the way. `psql` gets BEGIN first, and COMMIT
only after `pg_restore` has succeeded: with psql's --single-transaction it would commit at the end of its input, which
also comes when Sartor is killed. `pg_restore` writes a COMMIT behind each large object unless all is one transaction.

Of the programs that fit a server, the nearest version is taken, because an archive can't be read by older versions.
An unfinished file is locked by its writer; a file that nobody locks is left over, and the next backup removes it.
`pg_dump` is verbose so that it meets a broken pipe when Sartor has gone. The tables whose rows are left out are named
to `pg_dump`, never those that are kept: a table that was made meanwhile is kept.
"""
