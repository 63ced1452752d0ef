"""Proofs: each alteration is deployed, rolled back and deployed again on a scratch database, judged by itself."""
