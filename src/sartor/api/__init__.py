"""The functions of the public API, a module for each kind; applications import them from `sartor`.

What needs the driver is imported where it is needed, so that `list_alterations` doesn't load it.
"""
