"""The core without I/O or a clock: alterations, what a database says of them, and what is to be done."""
