"""The text output of `lint`: for people, and as GitHub's workflow commands.

See GitHub's page "Workflow commands".
"""

from __future__ import annotations

from sartor.cli.text.failure import shown_path
from sartor.cli.text.units import count
from sartor.linter.rules import Finding, Lint


def finding_line(finding: Finding) -> str:
    """Returns the line that says what is wrong, and where."""
    line = "" if finding.line is None else f":{finding.line}"
    return f"{shown_path(finding.file)}{line}: {finding.rule.severity.value} {finding.rule.code}: {finding.message}"


def rule_lines(found: Lint) -> list[str]:
    """Returns the consequences and the advice of each rule that was broken, once per rule."""
    broken = sorted({finding.rule.code: finding.rule for finding in found.findings}.items())
    return [line for code, rule in broken for line in ("", f"{code} {rule.name}: {rule.why}", f"  {rule.advice}")]


def lint_line(found: Lint) -> str:
    """Returns the line that counts the findings."""
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
