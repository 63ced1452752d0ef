"""The JSON output of `lint`."""

from __future__ import annotations

from sartor.cli.json.objects import VERSION, JsonObject
from sartor.linter.rules import Finding, Lint


def lint_json(found: Lint) -> JsonObject:
    """Returns the JSON of `lint --json`."""
    return {"version": VERSION, "files": found.files, "findings": [_finding_json(f) for f in found.findings]}


def _finding_json(finding: Finding) -> JsonObject:
    alteration = finding.alteration
    return {
        "code": finding.rule.code,
        "rule": finding.rule.name,
        "severity": finding.rule.severity.value,
        "message": finding.message,
        "why": finding.rule.why,
        "advice": finding.rule.advice,
        "file": finding.file,
        "line": finding.line,
        "lineage": finding.lineage,
        "id": alteration.id if alteration else None,
        "release": alteration.release.label if alteration else None,
    }
