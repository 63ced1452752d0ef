from pathlib import Path

import pytest

from sartor.errors import UsageError
from sartor.importing.logto import NotStatic, interpret, read, static_functions
from sartor.importing.tool import ReadOptions

NONE = ReadOptions()
STATIC = """
import { sql } from '@silverhand/slonik';

const adminTenantId = 'ad"min';

const alteration: AlterationScript = {
  up: async (pool) => {
    // A comment with ` in it
    await pool.query(sql`
      create table a (b text default 'x\\\\n');
      update a set b = ${adminTenantId}
    `);
  },
  down: async (pool) => {
    await pool.query(sql`drop table a;`);
  },
};
export default alteration;
"""


def test_static_sql_is_carried_over() -> None:
    """Functions that do nothing but send constant SQL are carried over, with the values of constant strings."""
    assert static_functions(STATIC) == {
        "up": "create table a (b text default 'x\\n');\n      update a set b = 'ad\"min';\n",
        "down": "drop table a;\n",
    }


@pytest.mark.parametrize(
    "line",
    [
        "const { id } = await pool.one(sql`select 1`);",
        "await pool.query(sql`insert into a values (${generateId()})`);",
        "for (const x of xs) { await pool.query(sql`select 1`); }",
        "await helper(pool, 'users');",
    ],
)
def test_what_is_typescript_is_told(line: str) -> None:
    """Whatever else a function does is no SQL."""
    with pytest.raises(NotStatic, match="can't be carried over"):
        static_functions(f"x = {{ up: async (pool) => {{ {line} }}, }};")


def test_reads_a_folder(tmp_path: Path) -> None:
    """Names, releases and timestamps are kept; what can't be carried over is to be written by hand."""
    (tmp_path / "1.0.0_rc.1-1674032095.3-tenants.ts").write_text(STATIC)
    (tmp_path / "next-1700000000-index.ts").write_text(
        "a = { beforeUp: async (pool) => { await pool.query(sql`create index concurrently i on a (b);`); },"
        " up: async () => { /* no transaction */ }, down: async () => {} };"
    )
    (tmp_path / "1.1.0-1690000000-code.ts").write_text("a = { up: async (pool) => { await run(pool); } }")
    (tmp_path / "utils.ts").write_text("")
    reading = read(tmp_path, NONE)
    rc, code, index = reading.scripts
    assert (rc.release, rc.timestamp, rc.slug) == ("1.0.0_rc.1", "1674032095.3", "tenants")
    assert (index.release, index.transaction_up, index.down) == ("next", False, None)
    assert (code.release, code.by_hand) == ("1.1.0", "line 1 is TypeScript that can't be carried over")
    with pytest.raises(UsageError):
        read(tmp_path / "..", NONE)


def test_the_state_is_a_high_water_mark(tmp_path: Path) -> None:
    """All at or below the timestamp in the row were deployed; a row of another form is an error."""
    for stamp in ("1674032095.3", "1700000000", "1800000000"):
        (tmp_path / f"1.0.0-{stamp}-x.ts").write_text(STATIC)
    scripts = read(tmp_path, NONE).scripts
    state = {"value": '{"timestamp": 1700000000, "updatedAt": "2024-01-01T00:00:00Z"}'}
    assert interpret([state], scripts).versions == {"1674032095.3", "1700000000"}
    assert interpret([], scripts).versions == frozenset()
    with pytest.raises(UsageError, match="alterationState"):
        interpret([{"value": "[]"}], scripts)
