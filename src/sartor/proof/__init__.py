"""Proves alterations: each is deployed, rolled back and deployed again on a scratch database, judged by itself.

Each is judged on what a deploy made before it. An alteration that comes back to where it was leaves just that, so the
next one goes on from there. After any other, a new database is made. All runs go through `execution`, as in a deploy.
"""
