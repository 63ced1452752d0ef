"""A first deployment to a schema that holds objects already, of which no ledger tells who made them."""

from dataclasses import replace

from sartor.domain.destination import Destination, Existing, Limits
from sartor.domain.existing import existing_sentences
from sartor.domain.ledger import Ledger
from sartor.domain.plan import Deploy, Plan, Rollback
from sartor.errors import SchemaNotEmpty


def counted(ledger: Ledger, destination: Destination, limits: Limits) -> Ledger:
    """Returns a ledger without those strays that don't count: what the settings ignore, all in a scratch database."""
    if not ledger.strays:
        return ledger
    from sartor.domain.drift import matches  # noqa: PLC0415 - few destinations have any

    kept = () if destination.scratch else tuple(n for n in ledger.strays if not matches(n, limits.ignore_objects))
    return replace(ledger, strays=kept)


def require_empty(plan: Plan, request: Deploy | Rollback, limits: Limits) -> None:
    """Raises SchemaNotEmpty where the settings forbid a first deployment beside objects that it didn't make."""
    status = plan.status
    if isinstance(request, Deploy) and plan.steps and status.strays and limits.existing is Existing.REFUSE:
        what, *ways = existing_sentences(status.strays, status.tool)
        raise SchemaNotEmpty(f"{what}; nothing was run", hint="; ".join(ways))
