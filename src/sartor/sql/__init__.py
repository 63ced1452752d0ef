"""The reader of SQL: tokens, statements, and what each statement does, as its text shows.

Pure, and of the standard library only. Nothing outside of this package takes SQL apart.
"""
