"""Runs one plan on one destination: claims, runs and records it; retries, resolves lost outcomes, and reports."""
