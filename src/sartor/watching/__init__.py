"""Follows the files of alterations: what was saved is undone and deployed again, proved, and looked at for hazards."""
