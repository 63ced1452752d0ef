"""The tools of the comparison, in the order of its tables where nothing else orders them."""

from tools.bare import Loop, Psql, PsqlAtOnce
from tools.debian import Sqitch, SqlMigrate
from tools.node import Dbmate, GraphileMigrate, Knex, Logto, NodePgMigrate
from tools.python import Alembic, Django, Pogo, Yoyo
from tools.sartor import SartorApart, SartorPython, SartorSql
from tools.tool import Tool

MEASURE = Psql()
OURS = (SartorSql(), SartorPython())
BARE = (SartorApart(), Loop(), PsqlAtOnce())
PEERS = (
    Dbmate(),
    SqlMigrate(),
    Alembic(),
    Pogo(),
    Django(),
    Yoyo(),
    NodePgMigrate(),
    GraphileMigrate(),
    Knex(),
    Logto(),
    Sqitch(),
)
TOOLS: tuple[Tool, ...] = (MEASURE, *OURS, *BARE, *PEERS)
