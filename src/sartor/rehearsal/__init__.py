"""Rehearses plans: runs them for real where it does no harm, and records what each statement does.

A rehearsal is a run of `execution` on a clone, or on the destination itself, rolled back. Only the loading of scripts
differs: their bodies record every statement. Locks that are held already hide later ones of the same kind, and that
is told: the truth about each statement alone would need a transaction for each, which isn't what a deploy does. An
empty clone shows the same locks and rewrites as the real database; tests/rehearsal holds that for a corpus of
statements.

Which tables a plan may change is found out on a clone without rows, where no row trigger fires and nothing cascades.
So `domain.affected_tables` goes on from what was seen, by the catalog of the backup's own snapshot, and keeps every
table where code may run that nobody has seen.
"""
