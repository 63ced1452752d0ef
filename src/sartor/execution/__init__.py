"""Runs one plan on one destination: claims, runs and records each script; retries, resolves lost outcomes, reports.

`run` reads and decides, `run_loop` goes through a plan, compiled to `units`; `executors` run those: many in one message
(`batch`), one by itself (`single`), or written down for a person (`psql`). An error is first classified (`outcome`), by
its SQLSTATE and its phase, and then acted upon (`retry`); where another run was first, the plan is made again
(`ledger`). Rehearsals, proofs and replays go the same way, on another database or with another way to load a script.
"""
