"""The output of `rehearse`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sartor.cli.results.objects import VERSION, JsonObject, alteration_json, failure_json, pick
from sartor.cli.results.units import count, duration, first, rows, scripts, size
from sartor.cli.words import in_words
from sartor.domain.hazards.hazard import LONG, STOPS_READS, STOPS_WRITES, Lost, RehearsedStatement, Size, Verdict, named
from sartor.domain.hazards.remediation import PAGE, recipe
from sartor.domain.rehearsal import AFTER_FAILURE, WANTS_ROWS, Rehearsal, Rehearsed
from sartor.errors import AlterationFailed, HazardFound, SartorError

DOUBT = "the result may depend on rows, and the clone has none"
WITH_DATA = "to copy the rows of the destination, use --with-data"

DOUBTS, LOSSES, SHOWN = 3, 10, 100
"""The doubts, losses and characters of a statement that are shown."""


def rehearsal_lines(found: Rehearsal) -> Iterator[str]:
    for each in found.alterations:
        yield f"{each.alteration.name}: {each.verdict.value.replace('-', ' ')}{', in doubt' if each.in_doubt else ''}"
        if each.reason is not None:
            yield f"  {in_words(each.reason)}"
        if each.depends_on_rows:
            yield f"  {DOUBT}; {WITH_DATA}"
        for number, statement in enumerate(each.statements, 1):
            ended = each.reason is not None and number == len(each.statements)
            yield from _statement(statement, found.sizes, ended=ended)


def rehearsal_summary(found: Rehearsal) -> str:
    if not found.alterations:
        return "Found 0 alteration to rehearse"
    counts = Counter(each.verdict for each in found.alterations)
    told = ", ".join(
        f"{counts[verdict]} {verdict.value.replace('-', ' ')}"
        for verdict in sorted(counts, key=lambda verdict: verdict.severity)
    )
    doubts = sum(each.in_doubt for each in found.alterations)
    doubted = f"; {doubts} in doubt" if doubts else ""
    what = scripts([each.alteration for each in found.alterations])
    return f"Rehearsed {what} on {found.place}: {told}{doubted}{_stopped(found)}"


def _stopped(found: Rehearsal) -> str:
    """Returns that one alteration kept those after it from being rehearsed, and what may help; "" where none did."""
    behind = [each for each in found.alterations if each.reason == AFTER_FAILURE]
    if not behind:
        return ""
    stopping = found.alterations[found.alterations.index(behind[0]) - 1]
    advice = f"; rows may be missing: {WITH_DATA}" if WANTS_ROWS in (stopping.reason or "") else ""
    left = scripts([each.alteration for each in behind])
    return f"; {stopping.alteration.name} stopped the rehearsal, {left} after it not rehearsed{advice}"


def too_bad(found: Rehearsal, allowed: Verdict | None) -> SartorError | None:
    """Returns the error for what a rehearsal has found wrong; None where it is nothing, or a hazard that is allowed."""
    if found.failed is not None:
        return AlterationFailed(found.failed)
    if allowed is not None and (worse := found.above(allowed)):
        message, hint = too_hazardous(worse, allowed)
        return HazardFound(message, hint=hint)
    return None


def too_hazardous(worse: Sequence[Rehearsed], allowed: Verdict) -> tuple[str, str]:
    """Returns why --max-hazard refuses a rehearsal, with each alteration that is too hazardous, and the ways out."""
    hints = "; ".join(dict.fromkeys(_way_out(each, allowed) for each in worse))
    if len(worse) > 1:
        named = ", ".join(f"{each.alteration.name} ({_why(each, allowed)})" for each in worse)
        doubted = " or in doubt" if any(each.verdict.severity <= allowed.severity for each in worse) else ""
        return f"at most {allowed.value} is allowed, but {len(worse)} alterations are worse{doubted}: {named}", hints
    (one,) = worse
    told = ", but at most {allowed} is allowed" if one.verdict.severity > allowed.severity else ""
    return f"{one.alteration.name}: {_why(one, allowed)}{told.format(allowed=allowed.value)}", hints


def _why(worse: Rehearsed, allowed: Verdict) -> str:
    if worse.verdict.severity > allowed.severity:
        return worse.verdict.value
    return f"{worse.verdict.value}, but in doubt: {DOUBT if worse.depends_on_rows else worse.doubts[0]}"


def _way_out(worse: Rehearsed, allowed: Verdict) -> str:
    if worse.verdict is Verdict.NOT_REHEARSED:
        return "the lines above show why an alteration couldn't be rehearsed"
    if worse.verdict is Verdict.LOSES_DATA and allowed is not Verdict.LOSES_DATA:
        return (
            "the lines above show the loss; if it is intended, allow it with --max-hazard loses-data and deploy with"
            " --backup"
        )
    if worse.verdict.severity > allowed.severity:
        return "the lines above show a safer way; to allow the hazard, give a higher --max-hazard"
    if worse.depends_on_rows or any(" may violate it " in doubt for doubt in worse.doubts):
        return "rehearse with --with-data, or on the database itself with --live"
    return "rehearse on the database itself with --live, or on a server that lacks nothing with --scratch-url"


def _statement(statement: RehearsedStatement, sizes: Mapping[str, Size], *, ended: bool) -> Iterator[str]:
    """Yields the lines of one statement; `ended` is true where the script didn't go on after it."""
    place = f"line {statement.line}" if statement.line is not None else "a helper"
    shown = " ".join(statement.sql.split())
    times = f"  ({statement.times} times)" if statement.times > 1 else ""
    yield f"  {place}  {shown[:SHOWN]}{'...' if len(shown) > SHOWN else ''}{times}"
    losses = first([_lost(loss) for loss in statement.losses], LOSSES, prefix="loses data")
    yield from (f"    {line}" for line in (*losses, *_doings(statement, sizes), *_others(statement)))
    if statement.error:
        yield (
            "    failed, which ended the script" if ended else f"    failed, but the script went on: {statement.error}"
        )
    yield from (f"    squawk: {opinion.message} ({opinion.rule})" for opinion in statement.opinions)
    if (better := recipe(statement)) is not None:
        yield f"    instead: {better.advice} ({PAGE}#{better.anchor})"


def _lost(loss: Lost) -> str:
    if loss.how in ("drops", "empties"):
        return f"{loss.how} {named(loss)} ({_number(loss)})"
    if loss.how == "cuts":
        return f"may truncate values of {named(loss)} ({_number(loss)})"
    return f"{loss.how} {_number(loss)} of {loss.table}"


def _number(loss: Lost) -> str:
    most = "up to " if loss.precision == "at-most" else ""
    if loss.rows is None:
        return "an unknown number of rows"
    about = "" if loss.precision == "counted" else "about "
    return f"{most}{about}{rows(loss.rows)}"


def _doings(statement: RehearsedStatement, sizes: Mapping[str, Size]) -> Iterator[str]:
    """Yields what a statement spends time on, and what that blocks."""
    built = {build.table for build in statement.builds}
    for table in statement.rewrites:
        yield f"rewrites {_sized(table, sizes)}{_meanwhile(statement, table)}"
    for build in statement.builds:
        if build.table not in statement.rewrites:
            yield f"builds {build.name} on {_sized(build.table, sizes)}{_meanwhile(statement, build.table)}"
    for table in statement.scans:
        if statement.blocking and table not in built.union(statement.rewrites):
            yield f"reads {_sized(table, sizes)}{_meanwhile(statement, table)}"
    if statement.blocking and not statement.tables and statement.ms >= LONG:
        yield f"takes {duration(statement.ms)} here{_meanwhile(statement)}"


def _others(statement: RehearsedStatement) -> Iterator[str]:
    if statement.rows:
        yield f"changes {count(statement.rows, 'row')}"
    if statement.in_doubt:
        yield DOUBT
    yield from first(statement.doubts, DOUBTS, prefix="in doubt")
    if told := [f"{lock.mode} on {lock.relation}" for lock in statement.locks]:
        yield ", ".join(told) + _how_long(statement)


def _meanwhile(statement: RehearsedStatement, *table: str) -> str:
    """Returns what a statement blocks while it runs; with `table`, while it works on that."""
    if (lock := statement.blocking_at(*table)) is None:
        return ", without blocking"
    what = "it" if lock.relation in table else lock.relation
    return f", blocking {'reads of' if lock.mode in STOPS_READS else 'writes to'} {what}"


def _how_long(statement: RehearsedStatement) -> str:
    """Returns how long a statement's locks are held, where they block writes; else ""."""
    if not any(lock.mode in STOPS_WRITES for lock in statement.locks):
        return ""
    if not statement.later:
        return "" if statement.takes_time else ", briefly"
    time = f" for {duration(statement.later_ms)}" if statement.later_ms >= LONG else ""
    runs = "runs" if statement.later == 1 else "run"
    return f", held{time} while {count(statement.later, 'more statement')} {runs}"


def _sized(table: str, sizes: Mapping[str, Size]) -> str:
    """Returns a table's name with its size in the live database."""
    if (known := sizes.get(table)) is None:
        return table
    return f"{table} ({'' if known.rows is None else f'about {rows(known.rows)}, '}{size(known.bytes)})"


def rehearsal_json(found: Rehearsal) -> JsonObject:
    return {
        "version": VERSION,
        **pick(found, "target place verdict"),
        "alterations": [_rehearsed_json(each) for each in found.alterations],
        "tables": [{"name": name, **pick(size, "rows bytes")} for name, size in sorted(found.sizes.items())],
        "failed": failure_json(found.failed) if found.failed else None,
        **pick(found, "notes"),
    }


def _rehearsed_json(each: Rehearsed) -> JsonObject:
    statements = [_statement_json(statement) for statement in each.statements]
    told = pick(each, "verdict reason in_doubt doubts") | {"reason": each.reason and in_words(each.reason)}
    return alteration_json(each.alteration) | told | {"statements": statements}


def _statement_json(statement: RehearsedStatement) -> JsonObject:
    better = recipe(statement)
    names = "sql line verdict locks held rewrites scans builds rows ms times later later_ms error in_doubt doubts"
    instead = {"advice": better.advice, "page": f"{PAGE}#{better.anchor}"} if better else None
    return pick(statement, f"{names} losses opinions") | {"instead": instead}
