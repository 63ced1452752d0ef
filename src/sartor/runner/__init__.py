"""One plan on one destination: claimed, run, recorded; retried, resolved and reported."""
