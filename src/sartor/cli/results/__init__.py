"""Makes text (`..._line`, `..._lines`) and the JSON of docs/json.md (`..._json`) from results, a module a command."""
