"""The commands of `sartor`, one module each, imported when the command is used: options, one API call, output."""
