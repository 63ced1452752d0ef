"""The diagram of a schema: read from a fingerprint, compared with an earlier one, drawn as SVG, Mermaid or DBML.

What a release makes is found by replaying it in a scratch database. All but the replay is pure. The boxes of tables are
placed by `graphlay`, the extra `diagram`, which gives the same drawing everywhere.
"""
