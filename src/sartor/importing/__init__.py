"""Reads the migrations of another tool, and writes them as alterations.

    Reading        <- Tool.read(folder, options)      scripts in the tool's order, and what it can't carry over
    Import         <- plan_import(tool, reading, ...)  the files that there are to be, decided purely
    files          <- write_import(plan)               all of them or none
    Applied        <- Tool.interpret(rows, scripts)    what the tool's own table in a database says was run

Nothing of the other tool is run to read its files, but for tools whose migrations are programs: those print their SQL.
"""
