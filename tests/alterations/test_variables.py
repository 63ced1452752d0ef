"""psql's variables in SQL scripts: psql itself is the model of where they are, and of how values are written."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from sartor.alterations.copy_data import sift
from sartor.alterations.files import read_lineage
from sartor.alterations.loader import load_script, read_source
from sartor.alterations.script import Script
from sartor.alterations.variables import Values
from sartor.domain.alteration import Alteration, ScriptSettings
from sartor.domain.plan import Direction
from sartor.domain.source import Part
from sartor.errors import ScriptError
from sartor.sql.variables import is_open, references, substitute
from support.database import Database
from support.folder import Folder
from support.ledgers import alteration
from support.psql import psql

VALUES = {
    "a": "x1",
    "b": "it''s",
    "c": 'q""q',
    "e": "",
    "f": ":a + :'b'",
    "g": ":g + 1",
    "h": "':a' :c2",
    "c2": "$$:a$$",
    "größe": "ü \U0001d6fc",
    "_1": "under",
}
OPEN = {"o1": "it's", "o2": 'q"q', "o3": "back\\slash's", "o4": "/*", "o5": "--"}
"""Values that can't stand by themselves: they are for strings and names."""
FORMS = [
    *(":{}", ":'{}'", ':"{}"', ":{?{}}", "::{}", ":::{}", ":=:{}", ": {}", "[1::{}]", "[:{}:2]", "x:{}", "1:{}"),
    *("$1:{}", ":{}$x", ":{}:{}", ":'{}':{}", ":'{}'':{}'", ":{}\n':{}'", ":'{} '", ':"{} "', ":{?{} }", ":{{}}"),
    *("-- :{}\n", "--:{} '\n:{}", "- -:{}", "@:{}", "?:{}", ":{}.:{}", ":{}(:{})", "<:{}>", "1.:{}", "0x1:{}"),
    *("[1:2]", ":30", ":1a{}", "\u00a0:{}", "a$b$:{}"),
]
QUOTED = [
    *("':{}'", "'it'':{}'", "E'\\':{}'", "e'\\\\':{}", '":{}"', "$$:{}$$", "$t$:{} $$ $t$", "/*:{}*/", "n':{}'"),
    *("/* /*:{}*/ :{} */", "U&':{}'", 'u&":{}"', "b':{}'", "'x'\n':{}'", "'x' ':{}'"),
]
ALL = VALUES | OPEN
SAFE = [":'{}'", ':"{}"', "x:'{}'y", ":'{}':\"{}\"", ":{?{}}", "':{}'"]


def texts(number: int) -> list[str]:
    """So many statements that hold every kind of reference, and what only looks like one."""
    chosen = random.Random(7)  # noqa: S311 - the same ones each time
    plain = [(each, name) for each in [*FORMS, *QUOTED] for name in [*VALUES, "zz"]]
    every = [*plain, *((each, name) for each in SAFE for name in OPEN)]
    found = [f"select {each.replace('{}', name)}" for each, name in every]
    while len(found) < number:
        several = [
            (each.replace("{}", name), chosen.choice(["", " ", "\n"])) for each, name in chosen.choices(every, k=5)
        ]
        text = "select " + "".join(map("".join, several))
        if not any(each.kind == "plain" and each.name in OPEN for each in references(text)):
            found.append(text)
    # Behind a variable, `$b$` is a quote that never ends here, and E is part of the name.
    found = [text for text in found if not re.search(r":\w+\$\w*\$|:\w*[eE]'", text)]
    return [text for text in found if not is_open(f"{text}\n") and not is_open(f"{replaced(text)}\n")]


def replaced(sql: str) -> str:
    """What Sartor makes of it, where it leaves what isn't defined, as psql does."""
    about = alteration("1.0.0-1-a.sql")._replace(given=ScriptSettings(tuple(ALL.items())))
    values = Values(sift(about.name, about.file, [sql.encode()]), about, known=True)
    return substitute(sql, lambda each: values.of(each) if each.name in ALL or each.kind == "test" else None).text


def plain(text: str) -> str:
    """A statement without empty lines, which psql leaves out."""
    return "\n".join(line for line in text.split("\n") if line.strip(" ")).strip()


def test_psql_is_the_model(database: Database, tmp_path: Path) -> None:
    """The statements that psql sends are what Sartor makes of them."""
    wanted = texts(1500)
    file = tmp_path / "all.sql"
    file.write_text("".join(f"{text}\n;\n\\echo ~~~~\n" for text in wanted))
    options = [f"--variable={name}={value}" for name, value in ALL.items()]
    shown = psql(database.url, file, "--echo-queries", "--output=/dev/null", *options).out
    sent = [plain(each).removesuffix(";").strip() for each in shown.split("~~~~\n")[:-1]]
    assert len(sent) == len(wanted) > 1000
    different = [
        (text, ours, theirs)
        for text, theirs in zip(wanted, sent, strict=True)
        if (ours := plain(replaced(text))) != theirs
    ]
    assert different == []


def load(folder: Folder, text: str, **values: str) -> Script:
    folder.write("1.0.0-1-a.sql", text)
    (about,) = read_lineage("main", str(folder.path), ScriptSettings(tuple(values.items()))).alterations
    return load_script(about)


HEAD = "-- sartor: variables\n-- sartor: up\n"


def test_a_script_with_values(folder: Folder) -> None:
    """A value may hold several statements, and rows follow their COPY; lines are those of the file."""
    script = load(
        folder,
        f"""{HEAD}create table :"t" (x text);
select :many from :"t"
;
copy :"t" from stdin;
:'t'
\\.
select 'after',
    :nowhere""",
        t='a"b',
        many="1\n, 2; select 3",
        nowhere="4",
    )
    sent = [(each.text, each.line) for each in script.fragments[Direction.DEPLOY]]
    assert sent == [
        ('create table "a""b" (x text)', 3),
        ("select 1\n, 2", 4),
        ('select 3 from "a""b"', 4),
        ('copy "a""b" from stdin', 6),
        ("select 'after',\n    4", 9),
    ]
    rows = script.fragments[Direction.DEPLOY][3].rows
    assert rows is not None
    assert b"".join(rows.read()) == b":'t'\n"


def test_only_where_it_is_asked_for(folder: Folder) -> None:
    """Without the directive a colon is a colon; the directive stands above all sections."""
    script = load(folder, "-- sartor: up\nselect :x, '-- sartor: variables'\n", x="1")
    assert script.fragments[Direction.DEPLOY][0].text == "select :x, '-- sartor: variables'"
    with pytest.raises(ScriptError, match="line 2: `variables` is in a section"):
        load(folder, "-- sartor: up\n-- sartor: variables\nselect 1\n")
    assert load(folder, f"-- why\n-- sartor: transaction off\n{HEAD}select :x", x="1").outside
    assert load(
        folder, f"-- sartor: variables\n-- sartor: require x\nselect :x;\n{HEAD[21:]}select :x", x="true"
    ).requires


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("select 1,\n  :region", "line 4: the variable `region` isn't defined"),
        ("select :'region'", "line 3: the variable `region` isn't defined"),
        ("select a[x:region]", "line 3: the variable `region` isn't defined"),
        ("select :outer", "line 3: the variable `region` isn't defined"),
        ("select :quote", "line 3: the value of the variable `quote` leaves a string or a comment open"),
        ("select :note\n", "line 3: the value of the variable `note` leaves a string or a comment open"),
    ],
)
def test_what_has_no_value(folder: Folder, text: str, reason: str) -> None:
    """An undefined variable, which psql sends as it is, is an error that says where to define it."""
    with pytest.raises(ScriptError, match=reason) as caught:
        load(folder, HEAD + text, outer=":region", quote="it's", note="1 -- so")
    assert "region" not in reason or "SARTOR_VAR_REGION" in caught.value.hint


def test_a_slice_is_none(folder: Folder) -> None:
    """A number behind a colon is no variable's name, as no setting can define it."""
    assert load(folder, f"{HEAD}select a[1:2]").fragments[Direction.DEPLOY][0].text == "select a[1:2]"


def test_what_lint_reads(folder: Folder) -> None:
    """What isn't run is read without values: the variables' names stand for them."""
    folder.write("1.0.0-1-a.sql", f"{HEAD}select :x, :'y', :\"z\"")
    about: Alteration = read_lineage("main", str(folder.path)).alterations[0]
    assert [each.text for each in read_source(about).parts[Part.UP]] == ["select x, 'y', \"z\""]


def test_other_values_are_no_edit(folder: Folder) -> None:
    """The checksum is that of the file; a value is not shown where an alteration is."""
    folder.write("1.0.0-1-a.sql", f"{HEAD}select :x")
    settings = [ScriptSettings((("x", each),)) for each in "12"]
    one, other = (read_lineage("main", str(folder.path), each).alterations[0] for each in settings)
    assert one.checksum == other.checksum
    assert "'1'" not in repr(one)
