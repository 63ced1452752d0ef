"""Many destinations: a run over them in waves, by one process or by many that share a control database."""
