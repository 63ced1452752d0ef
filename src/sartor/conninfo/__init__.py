"""Connection strings, libpq's parameters and files, as text; passwords are hidden here in all that is shown. Pure."""
