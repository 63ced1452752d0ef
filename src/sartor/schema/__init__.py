"""What a live database holds: its fingerprint, the expected schema that a run records, the catalog version.

A fingerprint is text: kind, name, parent and definition of each object, read by one query under pinned settings. It has
two hashes, the exact one of everything and the logical one without the kinds in `NOTED`, so that a `down` may leave a
column in another place. A line of `objects/*.sql` that needs a newer server ends with `-- since 15`.

Where two texts differ, `comparison` has the server parse both again: a restore and each version write in other words.

A run reads the schema before and after, and carries over what it changed itself, object by object: a change made by
hand stays drift. The expected schema is one row and no event of the journal, being large. It names its event: where
later events may have changed the schema, as after a kill, drift isn't guessed at. The catalog version is a sum over the
transactions that wrote the catalog's rows; while it is the same, a run needn't read the schema before it begins.
"""
