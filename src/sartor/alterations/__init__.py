"""Alterations on disk: found, read, and loaded as scripts.

`files` finds them, `loader` loads one in either language, `script` is the type of a loaded one. `process_state`
gives each script the process as if it were alone, and restores it afterwards; `process_guards` knows what it started.

A script is loaded twice: before the first one runs, to see that all are fit, and again just before its turn. Keeping
them would make memory grow with the plan; the checksum shows that the file is the same both times.

A Python script that only sends SQL is read by its syntax tree (`static_sql`) and never executed. What a script sent
on an empty clone counts as its SQL only where no answer of the database can change it (`is_data_independent`): a
loop over rows would send nothing there.

The rows behind `copy ... from stdin;` in a SQL file may be larger than memory. `copy_data` keeps their place in the
file and a checksum, and reads bytes as single characters: what separates statements is ASCII.
"""
