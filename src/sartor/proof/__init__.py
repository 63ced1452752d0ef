"""Proofs: alterations done, undone and done again on a scratch database, each judged by itself."""
