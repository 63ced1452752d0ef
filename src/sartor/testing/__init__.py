"""A plugin for pytest: databases that are deployed to a release, in milliseconds, and checks of alterations.

pytest finds it by its entry point. Its fixtures are `database_at`, `sartor_databases`, `assert_round_trip` and
`assert_safe`; the server is that of the project's settings, else an embedded one.
"""
