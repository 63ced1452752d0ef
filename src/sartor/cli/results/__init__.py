"""Makes lines of text, and the JSON of docs/json.md, from results: a module for each command or family."""
