"""A plan run for real, where it does no harm, and observed."""
