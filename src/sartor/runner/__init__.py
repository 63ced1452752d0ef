"""One plan on one destination: claimed, run, recorded; retried, resolved and reported."""

from sartor.runner.fresh import drop_all
from sartor.runner.run import run
from sartor.runner.seed import run_seeds
from sartor.runner.turn import Limits

__all__ = ["Limits", "drop_all", "run", "run_seeds"]
