"""Scratch databases: created beside a destination, filled with a clone of it, and dropped whatever happens.

An advisory lock of the maker's session marks a scratch database; one that nobody locks is left over, and the next
maker drops it.

Roles and databases belong to the server: dropping a scratch database doesn't undo their changes. A transaction keeps
its locks on the server's catalogs until its end, so the record that is sent with COMMIT looks for such locks and
fails the transaction. Statements outside a transaction are tried in one first.

In a clone that a superuser makes, each object belongs to its owner as soon as it is created (`foreign_owners`), so
that no other role's code runs with more rights than it has in the original.
"""
