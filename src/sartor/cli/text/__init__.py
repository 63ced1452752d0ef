"""Makes lines of text from results, for people, one module per command or family."""
