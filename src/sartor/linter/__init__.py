"""Finds mistakes in alterations without a database, and without running anything.

Python is read as a syntax tree, because changes are to be checked before anyone has looked at them. Where only
running a script could tell, there is no finding: people stop reading what raises false alarms. What the last
rehearsals saw of an alteration is kept in a folder (`rehearsal_cache`) and counts as long as its file is the same.
"""
