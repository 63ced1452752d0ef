"""Talks to Postgres: sessions, the ledger, the journal, Sartor's own tables. Only this package imports the driver.

`connect` makes connections, `driver` is the connection that scripts get, `session` is a connection with what is known
of its database. `journal` has the SQL of a claim and a record; the ledger is what the journal's last events say.

A claim inserts the journal's next number. The primary key is the lock: a rival waits there until the transaction has
ended, and learns from the error who was first. The claim's settings are SET LOCALs, and the number before it is looked
up by its key, because the server would have to plan a SELECT of `set_config` and a `max(seq)`: a quarter of a claim's
cost. A deferred reference that nothing satisfies stays open until the record clears it, so any other COMMIT than
Sartor's fails and undoes everything.

The lock monitor is a second connection. It holds the run's advisory lock and finds out who blocks the first one. A run
is as safe without it. It polls for the lock, because a statement that waits holds a snapshot, and
`create index concurrently` would wait for that.
"""
