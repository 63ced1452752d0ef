"""Makes the JSON that commands print, one module per command or family; docs/json.md documents it."""
