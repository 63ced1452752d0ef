"""What commands print with `--json`, one module per command or family; docs/json.md documents it."""
