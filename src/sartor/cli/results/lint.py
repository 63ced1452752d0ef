"""The output of `lint`: for people, as JSON, as GitHub's workflow commands and as SARIF 2.1.0.

See GitHub's pages "Workflow commands" and "SARIF support for code scanning", and OASIS's SARIF 2.1.0.
"""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sartor import __version__
from sartor.cli.results.objects import VERSION, JsonObject, pick
from sartor.cli.results.run import shown_path
from sartor.cli.results.units import count
from sartor.linter.rules import RULES, Finding, Lint, Rule


def finding_line(finding: Finding) -> str:
    line = "" if finding.line is None else f":{finding.line}"
    return f"{shown_path(finding.file)}{line}: {finding.rule.severity.value} {finding.rule.code}: {finding.message}"


def rule_lines(found: Lint) -> list[str]:
    """Returns the consequences and the advice of each rule that was broken, once per rule."""
    broken = sorted({finding.rule.code: finding.rule for finding in found.findings}.items())
    return [line for code, rule in broken for line in ("", f"{code} {rule.name}: {rule.why}", f"  {rule.advice}")]


def lint_line(found: Lint) -> str:
    counts = [count(number, severity.value) for severity, number in found.counts.items() if number]
    return f"Found {' and '.join(counts) or 'no mistakes'} in {count(found.files, 'file')}"


def github(finding: Finding) -> str:
    """Returns the workflow command that annotates the file with a finding."""
    rule = finding.rule
    facts = {"file": shown_path(finding.file), "line": str(finding.line or 1), "title": f"{rule.code} {rule.name}"}
    words = ",".join(f"{key}={_escape(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in facts.items())
    return f"::{rule.severity.value} {words}::{_escape(sentences(finding))}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def sentences(finding: Finding) -> str:
    return f"{finding.message}: {finding.rule.why}; {finding.rule.advice}"


def lint_json(found: Lint) -> JsonObject:
    return {"version": VERSION, "files": found.files, "findings": [finding_json(f) for f in found.findings]}


def finding_json(finding: Finding) -> JsonObject:
    rule, alteration = finding.rule, finding.alteration
    return {
        "code": rule.code,
        "rule": rule.name,
        "severity": rule.severity.value,
        "message": finding.message,
        **pick(rule, "why advice"),
        **pick(finding, "file line lineage"),
        "id": alteration.id if alteration else None,
        "release": alteration.release.label if alteration and not alteration.is_repeatable else None,
    }


SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(found: Lint) -> dict[str, Any]:
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
