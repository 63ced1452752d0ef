"""The pure heart: what alterations are, what a database says of them, what is to be done. No I/O, no clock."""
