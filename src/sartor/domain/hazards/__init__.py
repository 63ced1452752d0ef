"""The effects of statements, and what they mean for a database that carries traffic."""
