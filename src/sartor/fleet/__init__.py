"""Works through many destinations: wave by wave, several at once, going on where one fails.

What is decided is decided in `domain.fleet` and `domain.lineup`; `runner` awaits, and `control` keeps the truth of a
run that several processes share.
"""
