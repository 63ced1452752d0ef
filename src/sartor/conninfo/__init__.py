"""Connection strings, libpq's parameters, password files and service files, as text, and passwords hidden in texts. Pure."""
