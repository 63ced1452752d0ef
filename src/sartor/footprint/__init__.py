"""What a transaction does to the relations that were there before it: locks, rewrites, scans, rows.

`recorded_connection` passes each statement to a `statement_recorder`, which reads between two statements what the
transaction has locked and changed so far (`footprint`), and which rows a statement takes away (`row_losses`).
"""
