"""The driver's connection, guarded: scripts get it. Its SQL travels with Sartor's, inside a fence or outside of it.

A script's statements are read before they are sent. The record catches what reading doesn't, such as `reset all`.
"""
