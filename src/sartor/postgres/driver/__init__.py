"""The driver's connection, guarded: as scripts get it."""
