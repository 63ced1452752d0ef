"""Writes findings as SARIF 2.1.0.

See GitHub's page "SARIF support for code scanning", and OASIS's SARIF 2.1.0.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sartor import __version__
from sartor.cli.text.failure import shown_path
from sartor.cli.text.lint import sentences
from sartor.linter.rules import RULES, Finding, Lint, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(found: Lint) -> dict[str, Any]:
    """Returns the SARIF log of one run, with all rules."""
    driver = {"name": "Sartor", "version": __version__, "rules": [_rule(rule) for rule in RULES]}
    results = [_result(finding) for finding in found.findings]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name.title().replace("-", ""),
        "shortDescription": {"text": rule.name.replace("-", " ")},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.advice},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(finding: Finding) -> dict[str, Any]:
    about = finding.alteration.id if finding.alteration else Path(finding.file).name
    facts = f"{finding.rule.code}\n{finding.lineage}\n{about}\n{finding.message}"
    return {
        "ruleId": finding.rule.code,
        "ruleIndex": RULES.index(finding.rule),
        "level": finding.rule.severity.value,
        "message": {"text": sentences(finding)},
        "locations": [
            {"physicalLocation": {"artifactLocation": _location(finding), "region": {"startLine": finding.line or 1}}}
        ],
        # The fingerprint stays the same when the file gets its release's name.
        "partialFingerprints": {"sartorFinding/v1": hashlib.sha256(facts.encode()).hexdigest()},
    }


def _location(finding: Finding) -> dict[str, str]:
    path = Path(shown_path(finding.file))
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": "%SRCROOT%"}
