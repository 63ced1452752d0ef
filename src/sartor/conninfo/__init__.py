"""Connection strings, libpq's parameters, password files and service files, as text. Pure."""
