"""What commands print for people: functions that make lines of text from results, one module per command or family."""
