"""Runs one plan on one destination: claims, runs and records each script; retries, resolves lost outcomes, reports.

`run` reads and decides, `run_loop` goes through a plan. `units` compiles it: a unit is one event of the journal with
its work. An executor runs a unit: `batch` many in one message, `single` one by itself, in a transaction or outside,
`psql` writes them down for a person. Rehearsals, proofs and replays go the same way, on another database or with
another way to load a script.

An error is first classified (`outcome`), by its SQLSTATE and by the phase in which it came, and then acted upon
(`retry`): a lock that wasn't to be had is asked for again, a COMMIT without an answer is looked up in the journal.
Where another run was first, the plan is made again (`ledger.repeat_while_stale`).

A batch is one simple query, each script in a transaction of its own. The server stops at the first error and skips the
rest; and a successor of what failed couldn't claim its number anyway. An error doesn't say which statement it is of, so
marks stand between them: an INFO is sent at once, whatever `client_min_messages` says. A mark costs 50 µs, so a COMMIT
and the claim behind it share one; an error of either is settled by asking the journal. A lost lock, a claim that waits,
a mistake of syntax (which keeps the whole message from running) are left to the way of a single script. Where the
connection is lost, the message may still be on its way, through a pooler say: what the journal doesn't have when it is
asked gets its number taken, by the event of its failure, and so can't be committed after it was told not to be.

What the scripts of a batch have in common (settings, the claim and the record as prepared statements) is set once in
the session, at the head of the message, and taken back at its end. Behind a script that may have left something in
the session, all is reset and set again; not behind one that only makes or drops objects (`Unit.is_quiet`), which
can't have changed a setting or the role, and leaves no trigger to be fired. A pooler lends its session: a message
that fails would leave the settings to other clients, so there each transaction sets its own.
"""
