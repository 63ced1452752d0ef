"""Talks to Postgres: sessions, the ledger, the journal, Sartor's own tables. Only this package imports the driver.

`connect` makes connections, `driver` is the connection that scripts get, `session` is a connection with what is known
of its database. `journal` has the SQL of a claim and a record; the ledger is what the journal's last events say.
"""
