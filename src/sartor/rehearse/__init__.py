"""Rehearsals: a plan is run for real where it does no harm, and observed."""
